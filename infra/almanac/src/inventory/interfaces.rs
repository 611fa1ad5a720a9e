//! Network interfaces.
//!
//! Invariant: no counters and no speeds, which change by themselves.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{Found, attributes};

const FOLDER: &str = "/sys/class/net";

pub(super) fn read() -> Result<Vec<Found>, String> {
    read_from(Path::new(FOLDER))
}

fn read_from(folder: &Path) -> Result<Vec<Found>, String> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|reason| format!("{FOLDER}: {reason}"))?;
    let mut found: Vec<_> = entries
        .iter()
        .filter_map(|entry| found(&entry.path()))
        .collect();
    found.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(found)
}

/// Files such as `bonding_masters` lie beside the interfaces.
fn found(folder: &Path) -> Option<Found> {
    let name = folder.file_name()?.to_str()?.to_owned();
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let number = |file: &str| {
        let number = text(file).trim().parse::<u64>();
        number.map_or(Value::Null, |number| json!(number))
    };
    folder.is_dir().then(|| Found {
        attributes: attributes([
            ("mac", text("address").trim().into()),
            ("mtu", number("mtu")),
            ("physical", folder.join("device").exists().into()),
            ("state", text("operstate").trim().into()),
        ]),
        key: name.clone(),
        reference: format!("{FOLDER}/{name}"),
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_shows_is_understood() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join("eth0/device")).expect("made");
        fs::write(root.path().join("bonding_masters"), "").expect("written");
        for (file, text) in [
            ("address", "52:54:00:12:34:56\n"),
            ("mtu", "1500\n"),
            ("operstate", "up\n"),
        ] {
            fs::write(root.path().join("eth0").join(file), text).expect("written");
        }
        fs::create_dir_all(root.path().join("lo")).expect("made");
        let found = read_from(root.path()).expect("readable");
        assert_eq!(found.len(), 2);
        assert_eq!(
            Value::Object(found[0].attributes.clone()),
            json!({"mac": "52:54:00:12:34:56", "mtu": 1500, "physical": true, "state": "up"})
        );
        assert_eq!(
            Value::Object(found[1].attributes.clone()),
            json!({"physical": false})
        );
    }
}
