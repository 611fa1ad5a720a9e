//! Crontabs as they are found in the world.
//!
//! Invariant: each test reads a whole file, as an importer does.

use domain::{Name, Timestamp, schedule::Calendar, schedule::Schedule};
use reading::*;

use super::*;

mod reading {
    //! What the tests share.
    //!
    //! Invariant: nothing here looks at the machine's clock or zone.

    use super::super::*;

    pub fn read(text: &str, layout: Layout) -> Vec<Line> {
        parse(text.as_bytes(), layout, "UTC")
    }

    pub fn entries(lines: &[Line]) -> Vec<&Entry> {
        let entry = |line| match line {
            &Line {
                content: Content::Job(ref entry),
                ..
            } => Some(entry.as_ref()),
            _ => None,
        };
        lines.iter().filter_map(entry).collect()
    }

    pub fn reasons(lines: &[Line]) -> Vec<(usize, &str)> {
        let reason = |line| match line {
            &Line {
                number,
                content: Content::Skipped { ref reason, .. },
            } => Some((number, reason.as_str())),
            _ => None,
        };
        lines.iter().filter_map(reason).collect()
    }
}

const DEBIAN: &str = r"# /etc/crontab: system-wide crontab
SHELL=/bin/sh
# You can also override PATH, but by default, newer versions inherit it from the environment
#PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

# Example of job definition:
# .---------------- minute (0 - 59)
# |  .------------- hour (0 - 23)
# *  *  *  *  * user-name command to be executed
17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
25 6	* * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
47 6	* * 7	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }
52 6	1 * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }
#
";

fn expression(entry: &Entry) -> (&str, &str) {
    match &entry.schedule {
        Schedule::Cron {
            expression,
            timezone,
            ..
        } => (expression, timezone),
        other => panic!("a crontab gives cron schedules, not {other:?}"),
    }
}

fn place(path: &str) -> Place {
    Place {
        homes: BTreeMap::from([("root".to_owned(), "/root".to_owned())]),
        host: "web-1".to_owned(),
        owner: None,
        path: path.to_owned(),
    }
}

#[test]
fn the_crontab_that_every_debian_has() {
    let lines = read(DEBIAN, Layout::System);
    let entries = entries(&lines);
    assert_eq!(lines.len(), DEBIAN.lines().count());
    assert_eq!(entries.len(), 4);
    assert_eq!(expression(entries[0]), ("17 * * * *", "UTC"));
    assert_eq!(expression(entries[2]), ("47 6 * * 7", "UTC"));
    assert!(
        entries
            .iter()
            .all(|entry| entry.user.as_deref() == Some("root"))
    );
    assert_eq!(
        entries[0].command,
        "cd / && run-parts --report /etc/cron.hourly"
    );
    assert_eq!(entries[0].environment["SHELL"], "/bin/sh");
    assert_eq!(reasons(&lines), []);
}

#[test]
fn files_of_cron_d() {
    let text = "MAILTO=root\n\
        # Look for and purge old sessions every 30 minutes\n\
        09,39 *  * * *  root  [ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean\n\
        30 3 * * 0 root test -e /run/systemd/system || SERVICE_MODE=1 /usr/lib/e2scrub_all_cron\n\
        5-55/10 * * * * root command -v debian-sa1 > /dev/null && debian-sa1 1 1\n\
        57 0 * * 0 root [ $(date +\\%d) -le 7 ] && /usr/share/mdadm/checkarray --all\n\
        -*/15 * * * * root /usr/lib/cron/run-crons\n\
        0 */12 * * * root perl -e 'sleep int(rand(43200))' && certbot -q renew\n";
    let lines = read(text, Layout::System);
    let entries = entries(&lines);
    assert_eq!(entries.len(), 6);
    assert_eq!(expression(entries[0]), ("9,39 * * * *", "UTC"));
    assert_eq!(expression(entries[2]), ("5-55/10 * * * *", "UTC"));
    assert!(entries[3].command.contains("$(date +%d)"));
    assert_eq!(entries[3].stdin, None);
    assert_eq!(expression(entries[4]), ("*/15 * * * *", "UTC"));
    assert_eq!(entries[5].environment["MAILTO"], "root");
}

#[test]
fn the_manual_pages_user_crontab() {
    let text = "# use /bin/bash to run commands, instead of the default /bin/sh\n\
        SHELL=/bin/bash\nMAILTO=paul\n\
        5 0 * * *       $HOME/bin/daily.job >> $HOME/tmp/out 2>&1\n\
        15 14 1 * *     $HOME/bin/monthly\n\
        0 22 * * 1-5    mail -s \"It's 10pm\" joe%Joe,%%Where are your kids?%\n\
        23 0-23/2 * * * echo \"run 23 minutes after midn, 2am, 4am ..., everyday\"\n\
        5 4 * * sun     echo \"run at 5 after 4 every sunday\"\n\
        0 */4 1 * mon   echo \"run every 4th hour on the 1st and on every Monday\"\n\
        @weekly         backup --all\n";
    let lines = read(text, Layout::User);
    let entries = entries(&lines);
    assert_eq!(entries.len(), 7);
    assert_eq!(entries[2].command, "mail -s \"It's 10pm\" joe");
    assert_eq!(
        entries[2].stdin.as_deref(),
        Some("Joe,\n\nWhere are your kids?\n")
    );
    assert_eq!(expression(entries[4]), ("5 4 * * 0", "UTC"));
    assert_eq!(expression(entries[5]), ("0 */4 1 * 1", "UTC"));
    assert_eq!(expression(entries[6]), ("0 0 * * 0", "UTC"));
    assert!(entries.iter().all(|entry| entry.user.is_none()));
    let jobs = jobs(&lines, &place("/home/paul/crontab"), false);
    assert_eq!(jobs[0].1.task.payload["program"], "/bin/bash");
}

#[test]
fn what_cannot_be_a_job_is_skipped_with_its_reason() {
    let text = "@reboot /usr/bin/start\n\
        0 0 30 2 * echo never\n\
        0 0 * *\n\
        0~30 2 * * * echo random\n\
        61 * * * * echo late\n\
        * * * * *\n\
        * * * * *   %no command\n\
        1BAD=x\n\
        echo hello\n";
    let lines = read(text, Layout::User);
    let reasons = reasons(&lines);
    assert_eq!(entries(&lines).len(), 0);
    assert_eq!(reasons.len(), 9);
    for (line, told) in [
        (1, "follows no clock"),
        (2, "never comes due"),
        (3, "4 fields"),
        (4, "random"),
        (5, "minute"),
        (6, "no command follows"),
        (7, "before the first %"),
        (8, "no name of a variable"),
        (9, "minute"),
    ] {
        assert_eq!(reasons[line - 1].0, line);
        assert!(
            reasons[line - 1].1.contains(told),
            "{line}: {}",
            reasons[line - 1].1
        );
    }
    let system = read("0 5 * * * backup\n", Layout::System);
    assert!(self::reading::reasons(&system)[0].1.contains("--user"));
}

#[test]
fn bytes_that_are_no_text_are_skipped_alone() {
    let lines = parse(
        b"0 1 * * * echo \xff\n0 2 * * * echo ok\r\n\n0 3 * * * a\0b",
        Layout::User,
        "UTC",
    );
    assert_eq!(entries(&lines).len(), 1);
    assert_eq!(entries(&lines)[0].command, "echo ok");
    assert_eq!(lines[2].content, Content::Blank);
    let reasons = reasons(&lines);
    assert_eq!((reasons[0].0, reasons[1].0), (1, 4));
}

#[test]
fn zones_hold_for_the_lines_below() {
    let text = "0 1 * * * a\nTZ=America/New_York\n0 1 * * * b\nCRON_TZ=Asia/Tokyo\n0 1 * * * c\n\
        CRON_TZ=Mars/Olympus\n0 1 * * * d\n";
    let lines = read(text, Layout::User);
    let zones: Vec<_> = entries(&lines)
        .iter()
        .map(|entry| expression(entry).1)
        .collect();
    assert_eq!(zones, ["UTC", "America/New_York", "Asia/Tokyo"]);
    assert!(reasons(&lines)[0].1.contains("Mars/Olympus"));
    let posix = parse(
        b"TZ=CET-1CEST\n0 1 * * * a\n",
        Layout::User,
        "Europe/Berlin",
    );
    assert_eq!(expression(entries(&posix)[0]).1, "Europe/Berlin");
}

#[test]
fn days_mean_to_us_what_they_mean_to_cron() {
    // 2027-01-01 is a Friday.
    let from = Timestamp::from_unix_ms(1_798_761_600_000 - 1);
    let days = |text: &str| -> Vec<i64> {
        let lines = read(&format!("{text} x"), Layout::User);
        let calendar = Calendar::try_new(&entries(&lines)[0].schedule).expect("checked");
        let day = |slot: Timestamp| (slot.unix_ms() - from.unix_ms()) / 86_400_000 + 1;
        calendar.slots_after(from).take(4).map(day).collect()
    };
    assert_eq!(days("0 0 13 * 5"), [1, 8, 13, 15], "the 13th or a Friday");
    assert_eq!(
        days("0 0 */2 * 5"),
        [1, 15, 29, 36],
        "an odd day that is a Friday"
    );
    assert_eq!(days("0 0 1-7 * *"), [1, 2, 3, 4]);
    assert_eq!(days("0 0 * * 7"), [3, 10, 17, 24]);
    assert_eq!(days("0 0 * * 6-7"), [2, 3, 9, 10]);
}

#[test]
fn a_job_says_where_it_came_from_and_is_paused() {
    let lines = read(DEBIAN, Layout::System);
    let jobs = jobs(&lines, &place("/etc/crontab"), false);
    let (_, job) = &jobs[0];
    assert_eq!(
        job.name,
        "cd / && run-parts --report /etc/cron.hourly (/etc/crontab)"
    );
    assert!(!job.enabled);
    let origin = job.origin.as_ref().expect("an origin");
    assert_eq!(
        (origin.source.as_str(), origin.reference.as_str()),
        ("crontab", "/etc/crontab:10")
    );
    assert_eq!(
        *job.task.payload,
        serde_json::json!({
            "program": "/bin/sh",
            "args": ["-c", "cd / && run-parts --report /etc/cron.hourly"],
            "cwd": "/root",
            "env": {
                "HOME": "/root",
                "LOGNAME": "root",
                "PATH": "/usr/bin:/bin",
                "SHELL": "/bin/sh",
            },
            "user": "root",
        })
    );
}

#[test]
fn a_command_gets_what_cron_gives_unless_the_crontab_says_otherwise() {
    let payload = |text: &str, owner: Option<&str>| {
        let place = Place {
            owner: owner.map(str::to_owned),
            ..place("/x")
        };
        let jobs = jobs(&read(text, Layout::User), &place, false);
        jobs[0].1.task.payload.clone()
    };
    let set = payload(
        "SHELL=/bin/bash\nPATH=/opt/bin\nHOME=/srv\nLOGNAME=ann\nA=1\n@daily x\n",
        Some("root"),
    );
    assert_eq!(set["program"], "/bin/bash");
    assert_eq!(set["cwd"], "/srv");
    let env = serde_json::json!({"A": "1", "HOME": "/srv", "LOGNAME": "root", "PATH": "/opt/bin",
        "SHELL": "/bin/bash"});
    assert_eq!(set["env"], env);
    let unknown = payload("@daily x\n", Some("ann"));
    assert_eq!(unknown.get("cwd"), None);
    let env = serde_json::json!({"LOGNAME": "ann", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"});
    assert_eq!(unknown["env"], env);
    let nobodys = payload("@daily x\n", None);
    let env = serde_json::json!({"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"});
    assert_eq!((&nobodys["env"], nobodys.get("user")), (&env, None));
}

#[test]
fn ids_follow_the_command_and_not_its_schedule() {
    let ids = |text: &str| -> Vec<_> {
        let lines = read(text, Layout::User);
        let jobs = jobs(&lines, &place("/x"), true);
        jobs.into_iter().map(|(id, _)| id).collect()
    };
    let before = ids("0 1 * * * a\n0 2 * * * b\n0 3 * * * a\n");
    assert_eq!(
        before,
        ids("# moved\n\n5 1 * * * a\n5 2 * * * b\n5 3 * * * a\n")
    );
    assert_eq!(
        before
            .iter()
            .collect::<std::collections::HashSet<_>>()
            .len(),
        3
    );
    let elsewhere = Place {
        host: "web-2".to_owned(),
        ..place("/x")
    };
    let lines = read("0 1 * * * a\n", Layout::User);
    assert_ne!(before[0], jobs(&lines, &elsewhere, true)[0].0);
}

#[test]
fn names_are_always_names() {
    let long = "x".repeat(300);
    let text = format!("0 1 * * * {long}\n0 1 * * * a\tb\u{202E}c {long} {long}\n");
    let path = format!("/{}", "p".repeat(400));
    for (_, job) in jobs(&read(&text, Layout::User), &place(&path), true) {
        Name::try_new(&job.name).expect("a name");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_vanishes_and_nothing_panics(
        bytes: Vec<u8>,
        text in "[-*/,0-9@a-z%=\"' \n\t~]{0,80}",
    ) {
        for layout in [Layout::System, Layout::User] {
            for file in [bytes.as_slice(), text.as_bytes()] {
                let lines = parse(file, layout, "UTC");
                let body = file.strip_suffix(b"\n").unwrap_or(file);
                proptest::prop_assert_eq!(lines.len(), body.split(|b| *b == b'\n').count());
                jobs(&lines, &place("/x"), true);
            }
        }
    }
}
