//! A backup from a real server, and the same log and vault made of it on another.
//!
//! Invariant: only what is in the folder of the backup is used.

use std::{collections::BTreeMap, path::Path};

use commands::{Ask, Commands};
use domain::{
    Actor, CommandId, TaskId, TenantId,
    task::{Task, TaskCommand, TaskCreated, TaskSpec},
};
use event_log::{EventLog as _, JetStreamLog, Role, Vault};
use local::Nats;
use runtime::{Clock, Ids};
use scheduler::handlers::backup::{BackupFile, Copied};
use secrecy::SecretString;

use super::*;
use crate::{
    cli::{Events, FetchBackup, ImportEvents, Place, RestoreVault},
    command::events,
    roles,
};

const KEY: [u8; 32] = [7; 32];

fn nats(server: &Nats, role: Role) -> runtime::Nats {
    runtime::Nats {
        accept_interval_sync: false,
        accept_plaintext: false,
        monitor_url: server.monitor_url(),
        replicas: 1,
        url: server.url_of(role.user()).expect("a password").into(),
    }
}

async fn open(server: &Nats, role: Role) -> JetStreamLog {
    let log = roles::open_log(&nats(server, role), role).await;
    log.expect("the log opens")
}

/// A log with some tasks, and a vault with a secret.
async fn filled(server: &Nats) -> JetStreamLog {
    let owner = open(server, Role::Owner).await;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let commands = Commands::new(std::sync::Arc::new(owner.clone()), clock, ids.clone());
    for _ in 0..20 {
        let task = TaskId::new(ids.next());
        let actor = Actor::System("test".to_owned());
        let ask = Ask::new(
            actor,
            TenantId::MAIN,
            task.uuid(),
            CommandId::new(ids.next()),
        );
        let created = TaskCreated::new(TaskSpec::new("echo", serde_json::Value::Null));
        let made = commands
            .execute::<Task>(ask, TaskCommand::Create(created))
            .await;
        made.expect("made");
    }
    let vault = Vault::open(&owner, &KEY).await.expect("a vault");
    vault.put("key.one", b"first").await.expect("kept");
    owner
}

/// A configuration by which a command finds the server as its owner.
fn place(server: &Nats, folder: &Path) -> Place {
    let url: SecretString = server
        .url_of(Role::Owner.user())
        .expect("a password")
        .into();
    let config = folder.join("almanac.toml");
    let text = format!(
        "[nats]\nurl = \"{}\"\nmonitor_url = \"{}\"\n[postgres]\nurl = \"postgres://127.0.0.1/a\"\n\
         [secrets]\nmaster_key = \"{}\"\n[files]\nfolder = \"{}\"\n",
        secrecy::ExposeSecret::expose_secret(&url),
        server.monitor_url(),
        "07".repeat(32),
        folder.join("files").display(),
    );
    std::fs::write(&config, text).expect("written");
    Place {
        data_dir: folder.to_owned(),
        config: Some(config),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_makes_the_same_log_and_vault_again() {
    let starting = || tokio::task::spawn_blocking(Nats::scratch);
    let from = starting().await.expect("ran").expect("starts");
    let to = starting().await.expect("ran").expect("starts");
    let log = filled(&from).await;
    let folder = tempfile::tempdir().expect("a folder");
    let copied = folder.path().join("copied");
    std::fs::create_dir(&copied).expect("made");
    let url = nats(&from, Role::Backup).url;
    let copy = roles::copy::of_log(&nats(&from, Role::Owner), &url).await;
    let Copied {
        position,
        root,
        secrets,
        ..
    } = copy.expect("opened")(copied.clone()).await.expect("copied");
    assert_eq!((position, secrets), (20, 1));
    let sealed = std::fs::read_to_string(copied.join(roles::VAULT)).expect("there");
    assert!(
        sealed.contains("key.one") && !sealed.contains("first"),
        "{sealed}"
    );

    let place = place(&to, folder.path());
    let import = ImportEvents {
        from: copied.join(roles::copy::LOG),
        place: place.clone(),
    };
    events::run(Events::Import(import)).await.expect("imported");
    let restore = || RestoreVault {
        from: copied.clone(),
        place: place.clone(),
    };
    run(Backup::RestoreVault(restore()))
        .await
        .expect("restored");
    let again = open(&to, Role::Owner).await;
    for at in 1..=position {
        let at = event_log::Position(at);
        let entries = [log.at(at).await, again.at(at).await].map(|entry| entry.expect("read"));
        assert!(
            entries[0].is_some() && entries[0] == entries[1],
            "position {at}"
        );
    }
    let vault = Vault::open(&again, &KEY).await.expect("a vault");
    let secret = vault
        .get("key.one")
        .await
        .expect("answered")
        .expect("there");
    assert_eq!(secret.value, b"first");
    // A vault that holds it already is left as it is, and that is said.
    let twice = run(Backup::RestoreVault(restore()))
        .await
        .expect_err("there");
    assert!(twice.to_string().contains("the vault held 1"), "{twice}");
    let copy = roles::copy::of_log(&nats(&to, Role::Owner), &nats(&to, Role::Backup).url).await;
    let second = folder.path().join("second");
    std::fs::create_dir(&second).expect("made");
    let second = copy.expect("opened")(second).await.expect("copied");
    assert_eq!((second.position, second.root), (position, root));
}

/// A store with one backup of these files.
async fn stored(files: &Files, content: &BTreeMap<&str, &str>) -> Key {
    use std::io::Write as _;
    let mut kept = Vec::new();
    for (path, text) in content {
        let mut writing = files.begin().expect("begun");
        writing.write_all(text.as_bytes()).expect("written");
        let key = |sha256: &str| format!("backups/files/{sha256}/x").parse();
        let file = writing.keep(key).await.expect("kept");
        kept.push(BackupFile {
            bytes: file.bytes,
            key: file.key,
            path: (*path).to_owned(),
            sha256: file.sha256,
        });
    }
    let set = BackupSet {
        form: 1,
        copied: Copied {
            log: "log".to_owned(),
            position: 7,
            root: "root".to_owned(),
            secrets: 0,
        },
        files: kept,
        made_at: files.now(),
    };
    let mut writing = files.begin().expect("begun");
    serde_json::to_writer(&mut writing, &set).expect("written");
    let key = |sha256: &str| format!("{SETS}/1/{sha256}/backup.json").parse();
    writing.keep(key).await.expect("kept").key
}

#[tokio::test]
async fn a_backup_is_fetched_whole_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place {
        data_dir: folder.path().to_owned(),
        config: None,
    };
    let files = place.files().expect("a place");
    let ask = |name: &str, position| FetchBackup {
        out: folder.path().join(name),
        position,
        place: place.clone(),
    };
    let none = fetch::run(ask("none", None))
        .await
        .expect_err("there is none");
    assert!(none.to_string().contains("no such backup"), "{none}");
    stored(
        &files,
        &BTreeMap::from([("log/1.ndjson", "one"), ("vault.ndjson", "two")]),
    )
    .await;
    fetch::run(ask("out", Some(7))).await.expect("fetched");
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path));
    assert_eq!(read("out/log/1.ndjson").expect("there"), "one");
    assert_eq!(read("out/vault.ndjson").expect("there"), "two");
    let twice = fetch::run(ask("out", None)).await.expect_err("not empty");
    assert!(twice.to_string().contains("is not empty"), "{twice}");
    let early = fetch::run(ask("early", Some(6)))
        .await
        .expect_err("there is none");
    assert!(early.to_string().contains("no such backup"), "{early}");
    let found = files.list("backups/files").await.expect("listed").remove(0);
    let path = folder.path().join("files/objects").join(found.key.as_str());
    std::fs::write(path, "six").expect("written");
    let altered = fetch::run(ask("altered", None)).await.expect_err("altered");
    assert!(altered.to_string().contains("was altered"), "{altered}");
}

#[tokio::test]
async fn no_path_of_a_set_leads_out_of_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place {
        data_dir: folder.path().to_owned(),
        config: None,
    };
    let files = place.files().expect("a place");
    stored(&files, &BTreeMap::from([("../out.ndjson", "one")])).await;
    let asked = FetchBackup {
        out: folder.path().join("out"),
        position: None,
        place,
    };
    let refused = fetch::run(asked).await.expect_err("refused");
    assert!(refused.to_string().contains("leads elsewhere"), "{refused}");
    assert!(!folder.path().join("out.ndjson").exists());
}
