//! Service units that systemd runs or failed to run.
//!
//! Invariant: units that systemd made for the moment (`run-….service`) do not count.

use crate::inventory::{Found, attributes, printed};

pub fn read() -> Result<Vec<Found>, String> {
    let args = [
        "list-units",
        "--type=service",
        "--plain",
        "--no-legend",
        "--no-pager",
        "--full",
    ];
    Ok(printed("systemctl", &args)?
        .lines()
        .filter_map(found)
        .collect())
}

/// `cron.service loaded active running Regular background program processing daemon`
fn found(line: &str) -> Option<Found> {
    let mut words = line.split_whitespace();
    let unit = words.next()?.strip_suffix(".service")?;
    let (_load, active, sub) = (words.next()?, words.next()?, words.next()?);
    let description = words.collect::<Vec<_>>().join(" ");
    (!unit.starts_with("run-")).then(|| Found {
        attributes: attributes([
            ("description", description.into()),
            ("manager", "systemd".into()),
            ("state", format!("{active} ({sub})").into()),
        ]),
        key: unit.to_owned(),
        name: unit.to_owned(),
        reference: format!("systemd:{unit}.service"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_lines_are_understood() {
        let line =
            "cron.service loaded active running Regular background program processing daemon";
        let cron = found(line).expect("a unit");
        assert_eq!(cron.name, "cron");
        assert_eq!(cron.attributes["state"], "active (running)");
        assert_eq!(
            cron.attributes["description"],
            "Regular background program processing daemon"
        );
        assert_eq!(
            found("run-r12ab.service loaded active running /bin/x"),
            None
        );
        assert_eq!(found("tmp.mount loaded active mounted /tmp"), None);
        assert_eq!(found(""), None);
    }
}
