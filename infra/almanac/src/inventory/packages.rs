//! Installed packages, from whichever package manager the machine has.
//!
//! Invariant: only installed packages count, not those whose configuration was left behind; a
//! package installed for two architectures is two.

use std::path::Path;

use serde_json::{Value, json};

use super::{Found, attributes, printed};

/// A package manager: its program, what to ask it and how to read a line of its answer.
struct Source {
    args: &'static [&'static str],
    line: fn(&str) -> Option<Package>,
    program: &'static str,
}

/// A package as a line tells it; empty texts are unknown.
#[derive(Debug, Default, Eq, PartialEq)]
struct Package {
    architecture: String,
    installed_bytes: Option<u64>,
    name: String,
    section: String,
    version: String,
}

const SOURCES: [Source; 4] = [
    Source {
        args: &[
            "-W",
            "-f",
            "${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${Section}\t\
             ${Installed-Size}\n",
        ],
        line: dpkg,
        program: "dpkg-query",
    },
    Source {
        args: &[
            "-qa",
            "--qf",
            "%{NAME}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{GROUP}\t%{SIZE}\n",
        ],
        line: rpm,
        program: "rpm",
    },
    Source {
        args: &["list", "--installed"],
        line: apk,
        program: "apk",
    },
    Source {
        args: &["-Q"],
        line: pacman,
        program: "pacman",
    },
];

pub(super) fn read() -> Result<Vec<Found>, String> {
    let Some(source) = SOURCES.iter().find(|source| is_on_path(source.program)) else {
        return Err("none of dpkg-query, rpm, apk and pacman is installed".to_owned());
    };
    all(source, &printed(source.program, source.args)?)
}

/// At least the package manager is a package: where none is listed, its database was not read.
fn all(source: &Source, answer: &str) -> Result<Vec<Found>, String> {
    let packages = answer.lines().filter_map(source.line);
    let found: Vec<_> = packages
        .map(|package| found(package, source.program))
        .collect();
    if found.is_empty() {
        return Err(format!("{} lists no package", source.program));
    }
    Ok(found)
}

fn found(package: Package, program: &str) -> Found {
    let size = package
        .installed_bytes
        .map_or(Value::Null, |bytes| json!(bytes));
    Found {
        key: format!("{}:{}", package.name, package.architecture),
        attributes: attributes([
            ("architecture", package.architecture.into()),
            ("installed_bytes", size),
            ("section", package.section.into()),
            ("version", package.version.into()),
        ]),
        reference: format!("{program}:{}", package.name),
        name: package.name,
    }
}

/// Tab-separated as asked for above; the second letter of the status tells whether it is installed.
fn dpkg(line: &str) -> Option<Package> {
    let mut fields = line.split('\t');
    let installed = fields.next()?.chars().nth(1) == Some('i');
    let mut package = columns(&mut fields)?;
    package.installed_bytes = package.installed_bytes.map(|kib| kib * 1024);
    installed.then_some(package)
}

/// Keys of the rpm database are listed as packages called `gpg-pubkey`.
fn rpm(line: &str) -> Option<Package> {
    columns(&mut line.split('\t')).filter(|package| package.name != "gpg-pubkey")
}

fn columns<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Package> {
    let mut text = || fields.next().unwrap_or_default().replace("(none)", "");
    let (name, version, architecture, section) = (text(), text(), text(), text());
    let installed_bytes = text().parse().ok();
    (!name.is_empty() && !version.is_empty()).then_some(Package {
        architecture,
        installed_bytes,
        name,
        section,
        version,
    })
}

/// `musl-1.2.5-r0 x86_64 {musl} (MIT) [installed]`: the version begins at the last but one dash.
fn apk(line: &str) -> Option<Package> {
    let mut words = line.split_whitespace();
    let (full, architecture) = (words.next()?, words.next()?);
    let release = full.rfind('-')?;
    let at = full[..release].rfind('-')?;
    Some(Package {
        architecture: architecture.to_owned(),
        name: full[..at].to_owned(),
        version: full[at + 1..].to_owned(),
        ..Package::default()
    })
}

/// `bash 5.2.037-1`
fn pacman(line: &str) -> Option<Package> {
    let (name, version) = line.trim().split_once(' ')?;
    Some(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        ..Package::default()
    })
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_lists_what_is_installed() {
        let bash = dpkg("ii \tbash\t5.2.15-2+b7\tamd64\tshells\t7176").expect("installed");
        assert_eq!(
            (bash.name.as_str(), bash.version.as_str()),
            ("bash", "5.2.15-2+b7")
        );
        assert_eq!(bash.installed_bytes, Some(7176 * 1024));
        assert_eq!(bash.section, "shells");
        assert_eq!(dpkg("rc \told\t1.0\tamd64\tadmin\t12"), None);
        assert!(dpkg("hi \theld\t1.0\tamd64\tadmin\t").is_some());
        assert_eq!(dpkg(""), None);
    }

    #[test]
    fn other_package_managers() {
        let line = "openssl-libs\t3.2.2-6.el9\tx86_64\tUnspecified\t5242880";
        let ssl = rpm(line).expect("a package");
        assert_eq!(
            (ssl.name.as_str(), ssl.installed_bytes),
            ("openssl-libs", Some(5_242_880))
        );
        assert_eq!(
            rpm("gpg-pubkey\tfd431d51-4ae0493b\t(none)\tPublic Keys\t0"),
            None
        );
        let musl =
            apk("ca-certificates-bundle-20240705-r0 x86_64 {ca-certificates} (MIT) [installed]");
        let musl = musl.expect("a package");
        assert_eq!(musl.name, "ca-certificates-bundle");
        assert_eq!(musl.version, "20240705-r0");
        let bash = pacman("bash 5.2.037-1").expect("a package");
        assert_eq!(bash.version, "5.2.037-1");
        assert_eq!(pacman(""), None);
    }

    #[test]
    fn an_empty_list_is_no_list() {
        let pacman = &SOURCES[3];
        assert_eq!(
            all(pacman, "bash 5.2.037-1\n").map(|found| found.len()),
            Ok(1)
        );
        assert_eq!(all(pacman, ""), Err("pacman lists no package".to_owned()));
    }

    #[test]
    fn two_architectures_are_two_packages() {
        let libc = |architecture: &str| Package {
            architecture: architecture.to_owned(),
            name: "libc6".to_owned(),
            ..Package::default()
        };
        assert_ne!(
            found(libc("amd64"), "dpkg-query").key,
            found(libc("i386"), "dpkg-query").key
        );
    }
}
