//! The roles of Postgres and the users of nats-server as their processes see them, with the real
//! programs.
//!
//! Invariant: a folder of any earlier version has them after a start.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use local::{Postgres, PostgresOptions, Role};

/// What a process may do is decided by whoever makes the tables; that it can do nothing beside is
/// decided here.
#[test]
fn each_role_signs_in_with_its_own_password_and_stands_above_nothing() {
    let postgres = Postgres::scratch().expect("starts");
    let mut passwords = std::collections::BTreeSet::new();
    for role in Role::ALL {
        let url = postgres.url_of(role, "almanac").expect("a password");
        assert_eq!(
            psql(&url, "SELECT current_user").as_deref(),
            Ok(role.name())
        );
        let above = "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication \
                     OR rolbypassrls OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) \
                     FROM pg_roles r WHERE rolname = current_user";
        assert_eq!(psql(&url, above).as_deref(), Ok("f"), "{role:?}");
        let file = format!("{}.password", role.name());
        let file = postgres.log().with_file_name(file);
        let mode = fs::metadata(&file).expect("kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{role:?}");
        passwords.insert(fs::read_to_string(file).expect("readable"));
        for elsewhere in ["postgres", "template1"] {
            let refused = postgres.url_of(role, elsewhere).expect("a password");
            let refused = psql(&refused, "SELECT 1").expect_err("not its database");
            assert!(refused.contains("permission denied"), "{refused}");
        }
    }
    assert_eq!(passwords.len(), Role::ALL.len(), "passwords are shared");
}

/// A folder of a version that knew one role only, which owned everything.
#[test]
fn a_cluster_of_before_gets_its_roles_and_its_tables_an_owner() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = || PostgresOptions::new(folder.path().join("pg"));
    let postgres = Postgres::start(options()).expect("starts");
    sql(
        &postgres,
        "CREATE SCHEMA app; CREATE TABLE app.t (n int) PARTITION BY RANGE (n); \
         CREATE TABLE app.t_0 PARTITION OF app.t FOR VALUES FROM (0) TO (9); \
         CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         INSERT INTO app.t VALUES (1); ALTER DATABASE almanac OWNER TO postgres; \
         DROP ROLE almanac_owner, almanac_gateway, almanac_projector, almanac_scheduler, \
         almanac_worker; \
         ALTER ROLE analyst PASSWORD 'of before'",
    );
    let marker = postgres.cluster().join("almanac.roles");
    fs::remove_file(&marker).expect("there since the start");
    drop(postgres);

    let mut postgres = Postgres::start(options()).expect("starts again");
    for role in Role::ALL {
        let url = postgres.url_of(role, "almanac").expect("a password");
        assert_eq!(psql(&url, "SELECT 1").as_deref(), Ok("1"), "{role:?}");
    }
    let owners = "SELECT string_agg(DISTINCT pg_get_userbyid(owner), ',') FROM ( \
                  SELECT relowner FROM pg_class WHERE relnamespace = 'app'::regnamespace UNION \
                  SELECT proowner FROM pg_proc WHERE pronamespace = 'app'::regnamespace UNION \
                  SELECT nspowner FROM pg_namespace WHERE nspname = 'app' UNION \
                  SELECT datdba FROM pg_database WHERE datname = 'almanac') AS all_of (owner)";
    assert_eq!(sql(&postgres, owners), "almanac_owner");
    assert_eq!(sql(&postgres, "SELECT n FROM app.t"), "1");
    // What is as it must be is left alone, also by a start after a kill.
    let told = fs::metadata(&marker).and_then(|meta| meta.modified());
    postgres.kill();
    drop(postgres);
    let postgres = Postgres::start(options()).expect("starts once more");
    let now = fs::metadata(&marker).and_then(|meta| meta.modified());
    assert_eq!(told.expect("there"), now.expect("there"));
    let url = postgres.url_of(Role::Owner, "almanac").expect("a password");
    assert_eq!(psql(&url, "SELECT n FROM app.t").as_deref(), Ok("1"));
    drop(postgres);
    local::wipe(&folder.path().join("pg")).expect("wipes");
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

/// What each may do on nats-server is tried where the table of it is; here, that it is one of many.
#[test]
fn each_user_of_nats_signs_in_with_a_password_that_nobody_sees() {
    let nats = local::Nats::scratch().expect("starts");
    let dir = nats.log().parent().expect("a folder").to_owned();
    let users = [
        "analyst",
        "almanac_backup",
        "almanac_gateway",
        "almanac_owner",
        "almanac_projector",
    ];
    let mut passwords = std::collections::BTreeSet::new();
    for user in users
        .into_iter()
        .chain(["almanac_scheduler", "almanac_worker"])
    {
        let url = nats.url_of(user).expect("a password");
        let login = url
            .strip_prefix("nats://")
            .and_then(|rest| rest.split_once('@'));
        let (name, password) = login
            .and_then(|(login, _)| login.split_once(':'))
            .expect("a login");
        assert_eq!(name, user);
        let file = fs::metadata(dir.join(format!("{user}.password"))).expect("kept");
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{user}");
        passwords.insert(password.to_owned());
    }
    assert_eq!(passwords.len(), 7, "passwords are shared");
    let config = fs::metadata(dir.join("nats.conf")).expect("written");
    assert_eq!(config.permissions().mode() & 0o777, 0o600);

    let pid = nats.pid().expect("runs");
    let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).expect("runs");
    let mut seen = arguments + &fs::read_to_string(nats.log()).expect("its log");
    for page in [
        "varz",
        "connz?auth=true&subs=detail",
        "accountz?acc=$G",
        "accstatz",
        "jsz?config=true",
    ] {
        seen += &http_get(&nats.monitor_url(), page);
    }
    assert!(seen.contains("server_name"), "{seen}");
    for password in &passwords {
        assert!(!seen.contains(password.as_str()), "{seen}");
    }
    assert!(nats.url_of("eve").is_err());
}

fn http_get(base: &str, page: &str) -> String {
    use std::io::{Read as _, Write as _};
    let address = base.strip_prefix("http://").expect("http");
    let mut stream = std::net::TcpStream::connect(address).expect("listens");
    write!(stream, "GET /{page} HTTP/1.0\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}
