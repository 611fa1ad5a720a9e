//! The servers as their users see them, with the real programs.
//!
//! Invariant: no test waits a fixed time; what must not happen is shown by what happens instead.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use local::{Error, Nats, NatsOptions, Postgres, PostgresOptions, Servers, Sync};

/// This package's program: both servers in a process of its own.
const PROGRAM: &str = env!("CARGO_BIN_EXE_local");

#[test]
fn nats_speaks_its_protocol_and_keeps_data_through_a_kill() {
    let mut nats = Nats::scratch().expect("starts");
    let port = nats.port();
    assert!(nats.url().ends_with(&format!("@127.0.0.1:{port}")));
    let created = request(
        &nats,
        "$JS.API.STREAM.CREATE.T",
        r#"{"name":"T","subjects":["t.>"]}"#,
    );
    assert!(created.contains("\"storage\":\"file\""), "{created}");
    assert!(request(&nats, "t.a", "one").contains("\"seq\":1"));
    nats.kill();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "killed");
    assert_eq!(nats.pid(), None);
    nats.restart().expect("starts again");
    assert_eq!(nats.port(), port);
    assert!(
        request(&nats, "t.a", "two").contains("\"seq\":2"),
        "the first was kept"
    );
    nats.stop();
    nats.restart().expect("and again");
    assert!(request(&nats, "t.a", "three").contains("\"seq\":3"));
}

#[test]
fn nats_syncs_as_it_was_told() {
    for (sync, always) in [(Sync::Always, true), (Sync::Interval, false)] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = NatsOptions::new(folder.path());
        options.sync = sync;
        let nats = Nats::start(options).expect("starts");
        let varz = http_get(&nats.monitor_url(), "/varz");
        assert_eq!(varz.contains("\"sync_always\": true"), always, "{varz}");
    }
}

#[test]
fn nats_with_a_password_refuses_who_lacks_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = NatsOptions::new(folder.path());
    options.password = true;
    let nats = Nats::start(options).expect("starts");
    let answer = converse(
        nats.port(),
        "CONNECT {\"verbose\":true}\r\nPING\r\n",
        "-ERR",
    );
    assert!(answer.contains("Authorization Violation"), "{answer}");
    assert!(ping(&nats).contains("PONG"));
}

#[test]
fn a_paused_server_stays_silent_until_resumed() {
    let mut nats = Nats::scratch().expect("starts");
    nats.pause();
    let stream = TcpStream::connect(("127.0.0.1", nats.port())).expect("the kernel accepts");
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .expect("a timeout");
    let mut greeting = String::new();
    assert!(
        BufReader::new(&stream).read_line(&mut greeting).is_err(),
        "{greeting}"
    );
    nats.resume();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    BufReader::new(&stream)
        .read_line(&mut greeting)
        .expect("answers again");
    assert!(greeting.starts_with("INFO "), "{greeting}");
}

#[test]
fn postgres_keeps_rows_through_stop_kill_and_a_second_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = || PostgresOptions::new(folder.path().join("pg"));
    let mut postgres = Postgres::start(options()).expect("starts");
    sql(
        &postgres,
        "CREATE TABLE t (n int); INSERT INTO t VALUES (1)",
    );
    let port = postgres.port();
    postgres.kill();
    postgres.restart().expect("starts after a kill");
    assert_eq!(postgres.port(), port);
    sql(&postgres, "INSERT INTO t VALUES (2)");
    postgres.stop();
    drop(postgres);
    let postgres = Postgres::start(options()).expect("starts on the same folder");
    assert_eq!(sql(&postgres, "SELECT count(*) FROM t"), "2");
    local::wipe(&folder.path().join("other")).expect("nothing to wipe is fine");
    let cluster = postgres.cluster().to_owned();
    drop(postgres);
    local::wipe(&folder.path().join("pg")).expect("wipes");
    assert!(!cluster.exists() && !folder.path().join("pg").exists());
}

#[test]
fn postgres_is_checked_utf8_and_private() {
    let postgres = Postgres::scratch().expect("starts");
    assert_eq!(sql(&postgres, "SHOW data_checksums"), "on");
    assert_eq!(sql(&postgres, "SHOW server_encoding"), "UTF8");
    assert_eq!(sql(&postgres, "SHOW unix_socket_directories"), "");
    assert_eq!(
        sql(&postgres, "SELECT datcollate FROM pg_database LIMIT 1"),
        "C.UTF-8"
    );
    let wrong = postgres.url_as("postgres", "wrong", "almanac");
    let refused = psql(&wrong, "SELECT 1").expect_err("a wrong password");
    assert!(
        refused.contains("password authentication failed"),
        "{refused}"
    );
    let file = postgres.log().with_file_name("postgres.password");
    let mode = fs::metadata(file).expect("kept").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let server = postgres.pid().expect("runs");
    let owner = fs::metadata(format!("/proc/{server}")).expect("runs").uid();
    assert_ne!(owner, 0, "never as root");
}

/// Root cannot let an unprivileged account into a closed folder, so the cluster lies elsewhere.
#[test]
fn postgres_runs_for_a_folder_others_cannot_enter() {
    let closed = tempfile::tempdir().expect("a folder, mode 0700");
    let dir = closed.path().join("pg");
    let postgres = Postgres::start(PostgresOptions::new(&dir)).expect("starts");
    sql(&postgres, "CREATE TABLE kept ()");
    let first = postgres.cluster().to_owned();
    drop(postgres);
    let again = Postgres::start(PostgresOptions::new(&dir)).expect("starts again");
    assert_eq!(again.cluster(), first);
    sql(&again, "SELECT FROM kept");
    drop(again);
    // A folder removed by hand and made anew must not bring old rows back.
    fs::remove_dir_all(&dir).expect("removed");
    let anew = Postgres::start(PostgresOptions::new(&dir)).expect("starts anew");
    assert!(psql(&anew.url("almanac"), "SELECT FROM kept").is_err());
    let cluster = anew.cluster().to_owned();
    drop(anew);
    local::wipe(&dir).expect("wipes");
    assert!(!cluster.exists() && !first.exists());
}

#[test]
fn a_stale_lock_file_of_postgres_does_not_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = || PostgresOptions::new(folder.path().join("pg"));
    let postgres = Postgres::start(options()).expect("starts");
    let stale = postgres.cluster().join("postmaster.pid");
    drop(postgres);
    // A live process with that pid which is no Postgres: this very test.
    fs::write(&stale, format!("{}\n/elsewhere\n", std::process::id())).expect("written");
    let postgres = Postgres::start(options()).expect("starts in spite of it");
    drop(postgres);
    local::wipe(&folder.path().join("pg")).expect("wipes");
}

#[test]
fn a_second_holder_is_told_who_is_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = Nats::start(NatsOptions::new(folder.path())).expect("starts");
    let error = Nats::start(NatsOptions::new(folder.path())).expect_err("locked");
    assert!(matches!(error, Error::Locked { .. }));
    let line = error.to_string();
    assert!(
        line.contains(&format!("pid {}", std::process::id())),
        "{line}"
    );
    assert!(!line.contains('\n'));
}

#[test]
fn a_taken_port_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let mut options = NatsOptions::new(folder.path());
    options.port = Some(taken.local_addr().expect("bound").port());
    let line = Nats::start(options).expect_err("taken").to_string();
    assert!(
        line.contains(&format!("is used by pid {}", std::process::id())),
        "{line}"
    );
}

#[test]
fn a_scratch_vanishes_with_its_servers() {
    let servers = Servers::scratch().expect("starts");
    let log = servers.nats.log();
    let folder = log
        .parent()
        .and_then(Path::parent)
        .expect("in the scratch")
        .to_owned();
    let pids = [servers.nats.pid(), servers.postgres.pid()];
    assert_eq!(sql(&servers.postgres, "SELECT 1"), "1");
    drop(servers);
    assert!(!folder.exists());
    for pid in pids.into_iter().flatten() {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{pid} ended");
    }
}

/// The servers must not end with the thread that started them, which in tests is short-lived.
#[test]
fn servers_outlive_the_thread_that_started_them() {
    let start = || Servers::scratch().expect("starts");
    let mut servers = std::thread::spawn(start).join().expect("started");
    // A process that is about to get a signal gets it before it can answer this.
    assert!(ping(&servers.nats).contains("PONG"));
    assert_eq!(sql(&servers.postgres, "SELECT 1"), "1");
    assert!(is_running(&servers.nats.pid().expect("runs").to_string()));
    servers.stop();
}

#[test]
fn killing_the_holder_ends_its_servers_and_the_next_start_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        let (mut holder, pids) = hold(folder.path(), |_| {});
        let refused = Servers::start(folder.path()).expect_err("held").to_string();
        assert!(
            refused.contains(&format!("pid {}", holder.id())),
            "{refused}"
        );
        holder.kill().expect("killed");
        holder.wait().expect("gone");
        for pid in pids {
            eventually(&format!("{pid} ends"), || !is_running(&pid));
        }
    }
    let servers = Servers::start(folder.path()).expect("goes on");
    assert_eq!(sql(&servers.postgres, "SELECT 1"), "1");
    let cluster = servers.postgres.cluster().to_owned();
    drop(servers);
    Servers::wipe(folder.path()).expect("wipes");
    assert!(!cluster.exists() && !folder.path().join("nats").exists());
}

/// Where no `setpriv` ties the servers to their parent, the next start ends what is left.
#[test]
fn orphans_are_ended_by_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let nats = local::provision::nats_server().expect("found").path;
    let postgres = local::provision::postgres(None).expect("found").bin;
    let (mut holder, orphans) = hold(folder.path(), |command| {
        command
            .env("PATH", nats.parent().expect("has one"))
            .env("ALMANAC_POSTGRES", postgres);
    });
    holder.kill().expect("killed");
    holder.wait().expect("gone");
    let servers = Servers::start(folder.path()).expect("goes on");
    for pid in orphans {
        assert!(!is_running(&pid), "{pid} was ended");
    }
    assert_eq!(sql(&servers.postgres, "SELECT 1"), "1");
    let cluster = servers.postgres.cluster().to_owned();
    drop(servers);
    Servers::wipe(folder.path()).expect("wipes");
    assert!(!cluster.exists() && !folder.path().join("nats").exists());
}

/// As root, once more as an ordinary user; as an ordinary user the other tests are this one.
#[test]
fn an_ordinary_user_can_start_servers() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    Nats::scratch().expect("fetched for all users");
    let home = tempfile::tempdir().expect("a home");
    let user = nix::unistd::User::from_name("nobody")
        .expect("asked")
        .expect("exists");
    let ids = (user.uid.as_raw(), user.gid.as_raw());
    std::os::unix::fs::chown(home.path(), Some(ids.0), Some(ids.1)).expect("given");
    // The program may lie where this user cannot go.
    let program = home.path().join("local");
    fs::copy(PROGRAM, &program).expect("copied");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let output = Command::new(&program)
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "part_starts_a_scratch",
        ])
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env("ALMANAC_CACHE", local::provision::cache_dir())
        .current_dir(home.path())
        .uid(ids.0)
        .gid(ids.1)
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("serving as"),
        "{output:?}"
    );
}

/// Starts both servers in a process of its own; that process and the pids of the servers.
fn hold(dir: &Path, prepare: impl FnOnce(&mut Command)) -> (Child, Vec<String>) {
    let mut command = Command::new(PROGRAM);
    command
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    prepare(&mut command);
    let mut holder = command.spawn().expect("runs");
    let line = first_line_with(holder.stdout.take().expect("piped"), "serving");
    let words = line.split(|c: char| !c.is_ascii_digit());
    let pids: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    assert_eq!(pids.len(), 2, "{line}");
    (holder, pids)
}

fn first_line_with(output: impl Read, word: &str) -> String {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    lines
        .find(|line| line.contains(word))
        .expect("said before it ended")
}

fn is_running(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}, within 20 s");
        std::thread::yield_now();
    }
}

/// Sends `payload` and returns the first reply.
fn request(nats: &Nats, subject: &str, payload: &str) -> String {
    let text = format!(
        "{}SUB reply 1\r\nPUB {subject} reply {}\r\n{payload}\r\n",
        login(nats),
        payload.len()
    );
    converse(nats.port(), &text, "}")
}

/// Signs in and asks whether anybody is there.
fn ping(nats: &Nats) -> String {
    converse(nats.port(), &format!("{}PING\r\n", login(nats)), "PONG")
}

/// The line that signs in with the login of the server's address.
fn login(nats: &Nats) -> String {
    let url = nats.url();
    let password = url
        .strip_prefix("nats://almanac:")
        .and_then(|rest| rest.split('@').next());
    let password = password.expect("a password");
    format!("CONNECT {{\"user\":\"almanac\",\"pass\":\"{password}\"}}\r\n")
}

/// Sends `text` after the greeting and reads lines until one ends a reply with `end`.
fn converse(port: u16, text: &str, end: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    stream.write_all(text.as_bytes()).expect("sent");
    let lines = BufReader::new(stream).lines().skip(1).map_while(Result::ok);
    let mut said = String::new();
    for line in lines {
        said += &line;
        if line.contains(end) {
            break;
        }
    }
    said
}

fn http_get(base: &str, path: &str) -> String {
    let address = base.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(address).expect("listens");
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn sql(postgres: &Postgres, statement: &str) -> String {
    psql(&postgres.url("almanac"), statement).expect("succeeds")
}

fn psql(url: &str, statement: &str) -> Result<String, String> {
    let output = Command::new("psql")
        .args([
            url,
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--quiet",
            "--command",
        ])
        .arg(statement)
        .output()
        .expect("psql is installed (apt-get install postgresql-client)");
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
