//! What `infra/deploy` says, held against the programs that will read it.
//!
//! Invariant: nothing here needs containers, so every machine checks it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use local::provision;
use yaml_rust2::{Yaml, YamlLoader};

use crate::harness::{almanac, binary};

const PARTS: [&str; 4] = ["gateway", "projector", "scheduler", "worker"];
/// What a unit must say, whatever else it does.
const HARDENED: [&str; 8] = [
    "CapabilityBoundingSet=",
    "DynamicUser=yes",
    "MemoryDenyWriteExecute=yes",
    "NoNewPrivileges=yes",
    "PrivateDevices=yes",
    "ProtectHome=yes",
    "ProtectSystem=strict",
    "SystemCallFilter=@system-service",
];

fn place(name: &str) -> PathBuf {
    let infra = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    infra.unwrap_or(Path::new("")).join("deploy").join(name)
}

fn text(name: &str) -> Result<String> {
    fs::read_to_string(place(name)).with_context(|| format!("reading {name}"))
}

/// Each line by which the program is run there is one that it takes.
pub async fn every_command_line_is_understood() -> Result<()> {
    let mut lines = units()?;
    lines.extend(services()?);
    lines.extend(image()?);
    for name in ["README.md", "backup.sh"] {
        lines.extend(typed(&text(name)?));
    }
    ensure!(lines.len() >= 13, "too few are found: {lines:#?}");
    for line in lines {
        // Asked for help, it says what it does not understand all the same.
        let words = line.iter().map(String::as_str).chain(["--help"]);
        let run = almanac(&words.collect::<Vec<_>>()).await?;
        ensure!(run.code == 0, "{line:?} is not understood: {}", run.stderr);
    }
    Ok(())
}

/// Who may reach what, and who may write where.
pub fn only_the_gateway_can_be_reached() -> Result<()> {
    let compose = compose()?;
    let services = compose["services"].as_hash().context("services")?;
    let networks = &compose["networks"];
    ensure!(networks["inside"]["internal"].as_bool() == Some(true));
    for (name, service) in services {
        let name = name.as_str().context("a name")?;
        let said = |key: &str| said(service, key);
        let ports = strings(&said("ports"));
        match name {
            "gateway" => ensure!(ports == ["127.0.0.1:8080:8080"], "{ports:?}"),
            _ => ensure!(ports.is_empty(), "{name} can be reached: {ports:?}"),
        }
        let secure = strings(&said("security_opt"));
        ensure!(secure == ["no-new-privileges:true"], "{name}: {secure:?}");
        if said("image").as_str() == Some("almanac") {
            ensure!(said("read_only").as_bool() == Some(true), "{name} writes");
            ensure!(strings(&said("cap_drop")) == ["ALL"], "{name} may do more");
            let environment = format!("secrets/{name}.env");
            ensure!(said("env_file").as_str() == Some(&environment), "{name}");
        }
    }
    for part in PARTS {
        ensure!(services.contains_key(&Yaml::from_str(part)), "no {part}");
    }
    let image = text("Dockerfile")?;
    ensure!(image.contains("\nUSER nonroot\n"), "the image runs as root");
    Ok(())
}

/// What systemd makes of the units, where it is; and that each leaves its process no more than it
/// needs.
pub async fn units_are_hardened() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for part in PARTS {
        let name = format!("almanac-{part}.service");
        let unit = text(&format!("systemd/{name}"))?;
        for rule in HARDENED {
            ensure!(unit.lines().any(|line| line == rule), "{name} lacks {rule}");
        }
        let environment = format!("EnvironmentFile=/etc/almanac/{part}.env");
        ensure!(unit.lines().any(|line| line == environment), "{name}");
        let Some(systemd) = provision::on_path("systemd-analyze") else {
            continue;
        };
        // It looks for the program as well.
        let program = tokio::task::block_in_place(binary)?.display().to_string();
        let file = folder.path().join(&name);
        fs::write(&file, unit.replace("/usr/local/bin/almanac", &program))?;
        let said = run(systemd, &["verify".as_ref(), file.as_os_str()], &[]).await?;
        ensure!(!said.contains(&name), "{said}");
    }
    Ok(())
}

/// Made once, read by nobody else, and enough for nats-server to take its configuration.
pub async fn nats_server_takes_its_configuration() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let secrets = folder.path().join("secrets");
    let script = place("secrets.sh");
    let args = [script.as_os_str(), secrets.as_os_str()];
    run("sh".into(), &args, &[]).await?;
    let again = run("sh".into(), &args, &[]).await;
    ensure!(again.is_err(), "secrets of a log were made anew");
    let names = PARTS
        .iter()
        .chain(&["auditor", "nats", "postgres", "setup"]);
    for name in names {
        let file = secrets.join(format!("{name}.env"));
        let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{name}.env has mode {mode:o}");
    }
    let keys = ["gateway", "setup", "worker"].map(|part| {
        let said = environment(&secrets.join(format!("{part}.env")))?;
        said.get("ALMANAC__SECRETS__MASTER_KEY")
            .cloned()
            .context("a key")
    });
    let [gateway, setup, worker] = keys;
    let gateway = gateway?;
    ensure!(
        gateway == setup? && gateway != worker?,
        "who can open the vault"
    );
    let users = place("../../schemas/generated/nats-users.conf");
    let config = folder.path().join("nats-server.conf");
    fs::copy(place("nats-server.conf"), &config)?;
    fs::copy(users, folder.path().join("nats-users.conf"))?;
    let server = tokio::task::block_in_place(provision::nats_server)?.path;
    let passwords = environment(&secrets.join("nats.env"))?;
    let passwords: Vec<_> = passwords.into_iter().collect();
    let args = ["-t".as_ref(), "-c".as_ref(), config.as_os_str()];
    run(server.clone(), &args, &passwords).await?;
    let unknown = run(server, &args, &passwords[1..]).await;
    ensure!(unknown.is_err(), "a user without a password");
    let always = text("nats-server.conf")?.contains("\n  sync_interval: always\n");
    ensure!(always, "nats-server would acknowledge before it writes");
    Ok(())
}

/// What a program says, if it succeeds.
async fn run(
    program: PathBuf,
    args: &[&std::ffi::OsStr],
    environment: &[(String, String)],
) -> Result<String> {
    let output = tokio::process::Command::new(&program)
        .args(args)
        .envs(environment.iter().cloned())
        .output()
        .await
        .with_context(|| format!("starting {}", program.display()))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "{}: {said}", program.display());
    Ok(said)
}

/// The variables of a file of them.
fn environment(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(file)?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(pairs.collect())
}

fn compose() -> Result<Yaml> {
    let documents = YamlLoader::load_from_str(&text("compose.yaml")?)?;
    documents.into_iter().next().context("a document")
}

/// What a service says, or else what it has in common with others.
fn said(service: &Yaml, key: &str) -> Yaml {
    [service, &service["<<"]]
        .map(|of| &of[key])
        .into_iter()
        .find(|value| !value.is_badvalue())
        .cloned()
        .unwrap_or(Yaml::BadValue)
}

fn strings(list: &Yaml) -> Vec<String> {
    let items = list.as_vec().into_iter().flatten();
    items.filter_map(Yaml::as_str).map(str::to_owned).collect()
}

fn services() -> Result<Vec<Vec<String>>> {
    let compose = compose()?;
    let services = compose["services"].as_hash().context("services")?;
    let ours = services
        .values()
        .filter(|service| said(service, "image").as_str() == Some("almanac"));
    Ok(ours.map(|one| strings(&said(one, "command"))).collect())
}

/// What the units start.
fn units() -> Result<Vec<Vec<String>>> {
    let unit = |part: &&str| {
        let unit = text(&format!("systemd/almanac-{part}.service"))?;
        let start = unit.lines().find_map(|line| {
            let line = line.strip_prefix("ExecStart=")?;
            line.strip_prefix("/usr/local/bin/almanac ")
        });
        Ok(words(start.context("ExecStart")?))
    };
    PARTS.iter().map(unit).collect()
}

/// What the image runs if nothing else is said.
fn image() -> Result<Vec<Vec<String>>> {
    let image = text("Dockerfile")?;
    let lines = image.lines().filter_map(|line| line.strip_prefix("CMD "));
    lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// The lines of a script, and what stands between backticks, that call the program.
fn typed(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().flat_map(|line| line.split('`'));
    let calls = lines.filter_map(|line| line.trim().strip_prefix("almanac "));
    calls.map(words).collect()
}

fn words(line: &str) -> Vec<String> {
    let words = line.split_whitespace().map(|word| word.trim_matches('"'));
    words.map(str::to_owned).collect()
}
