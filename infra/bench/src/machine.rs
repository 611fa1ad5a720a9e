//! What the figures were measured on, and what each process cost.
//!
//! Invariant: everything is read from `/proc`, so a figure can be traced to the machine it is of.

use std::{env, fmt, fs, path::Path};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// The kernel counts CPU time in hundredths of a second on every platform that Linux supports.
const TICK_US: f64 = 10_000.0;

/// The machine, its programs, and how the bench was built.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    build: &'static str,
    cores: usize,
    cpu: String,
    file_system: String,
    kernel: String,
    memory_gib: u64,
    nats_server: String,
    postgres: String,
}

/// CPU time of named processes at one instant.
pub struct Cpu {
    machine: Busy,
    of: Vec<(&'static str, f64)>,
}

/// CPU time between two instants.
#[derive(Clone, Debug)]
pub struct Spent {
    /// The part of all cores that was busy, with whatever else ran.
    pub busy: f64,
    /// The part of all cores that the kernel and programs with no share in the bench took.
    pub others: f64,
    /// Microseconds, by process.
    pub of: Vec<(&'static str, f64)>,
}

struct Busy {
    all: f64,
    idle: f64,
}

impl Machine {
    /// This one.
    pub fn here() -> Result<Self> {
        let nats = local::provision::nats_server()?;
        let postgres = local::provision::postgres(None)?;
        Ok(Self {
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            cores: std::thread::available_parallelism()?.get(),
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            file_system: file_system(&env::temp_dir()),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            memory_gib: memory_kib() / 1024 / 1024,
            nats_server: nats.version,
            postgres: postgres.version,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            build,
            cores,
            cpu,
            file_system,
            kernel,
            memory_gib,
            nats_server,
            postgres,
        } = self;
        writeln!(
            f,
            "{cores} cores ({cpu}), {memory_gib} GiB, Linux {kernel}, {file_system}; nats-server \
             {nats_server} (sync_interval always, one replica), Postgres {postgres} (fsync on); \
             {build} build"
        )?;
        write!(
            f,
            "The load generator runs on the same cores as what it measures."
        )?;
        if *build == "debug" {
            write!(
                f,
                "\nA debug build: these figures say nothing. Use `cargo xtask bench`."
            )?;
        }
        if file_system == "tmpfs" {
            write!(
                f,
                "\nThe servers' files are in memory: set TMPDIR to a folder on a disk."
            )?;
        }
        Ok(())
    }
}

impl Cpu {
    /// What these processes, each with its children, have used so far.
    pub fn now(processes: &[(&'static str, u32)]) -> Result<Self> {
        let of = processes
            .iter()
            .map(|(name, pid)| Ok((*name, tree_us(*pid, processes)?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            machine: Busy::now()?,
            of,
        })
    }

    /// What they have used since.
    pub fn since(&self, processes: &[(&'static str, u32)]) -> Result<Spent> {
        let now = Self::now(processes)?;
        let pairs = self.of.iter().zip(&now.of);
        let of: Vec<_> = pairs.map(|(then, now)| (then.0, now.1 - then.1)).collect();
        let all = (now.machine.all - self.machine.all).max(1.0) * TICK_US;
        let busy = 1.0 - (now.machine.idle - self.machine.idle) * TICK_US / all;
        let ours = of.iter().map(|(_, us)| us).sum::<f64>() / all;
        let others = (busy - ours).max(0.0);
        Ok(Spent { busy, others, of })
    }
}

impl Spent {
    /// Microseconds of all of them.
    pub fn us(&self) -> f64 {
        self.of.iter().map(|(_, us)| us).sum()
    }

    /// Microseconds for each of `count`, by process, in one line.
    pub fn per(&self, count: f64, what: &str) -> String {
        let each = self
            .of
            .iter()
            .map(|(name, us)| format!("{name} {:.0}", us / count));
        let each = each.collect::<Vec<_>>().join(", ");
        let sum = self.of.iter().map(|(_, us)| us).sum::<f64>() / count;
        let (busy, others) = (self.busy * 100.0, self.others * 100.0);
        format!(
            "CPU µs per {what}: {each}; together {sum:.0}; cores {busy:.0} % busy, {others:.0} % \
             by the kernel and others"
        )
    }
}

impl Busy {
    fn now() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().context("/proc/stat is empty")?;
        let ticks: Vec<f64> = line
            .split_whitespace()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; guest time is part of user.
        let idle = ticks.iter().skip(3).take(2).sum();
        Ok(Self {
            all: ticks.iter().take(8).sum(),
            idle,
        })
    }
}

/// The memory of a process that is in use, in KiB.
pub fn resident_kib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let text = line.and_then(|line| line.split_whitespace().next());
    Ok(text.context("no VmRSS")?.parse()?)
}

/// CPU time of a process, of its living children and of those it has waited for; children that are
/// named themselves are counted there, not here.
fn tree_us(root: u32, named: &[(&str, u32)]) -> Result<f64> {
    let all: Vec<Stat> = fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Stat::of)
        .collect();
    let mut family = vec![root];
    let mut ticks = 0.0;
    while let Some(pid) = family.pop() {
        let stat = all.iter().find(|stat| stat.pid == pid);
        ticks += stat.map_or(0.0, |stat| stat.ticks);
        let nameless = |pid: u32| named.iter().all(|(_, other)| *other != pid);
        let children = all
            .iter()
            .filter(|stat| stat.parent == pid && nameless(stat.pid));
        family.extend(children.map(|stat| stat.pid));
    }
    Ok(ticks * TICK_US)
}

struct Stat {
    parent: u32,
    pid: u32,
    ticks: f64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold spaces and brackets; fields count from its closing bracket.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let used = fields
            .get(11..15)?
            .iter()
            .filter_map(|field| field.parse::<f64>().ok());
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            pid,
            ticks: used.sum(),
        })
    }
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_kib() -> u64 {
    field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// The kind of file system that holds `path`: that of the longest mount point above it.
fn file_system(path: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let above = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        path.starts_with(point).then_some((point.len(), kind))
    });
    above
        .max_by_key(|(length, _)| *length)
        .map_or("unknown", |(_, kind)| kind)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn work_is_seen_as_cpu_time() {
        let me = [("me", std::process::id())];
        let before = Cpu::now(&me).expect("read");
        let until = Instant::now() + Duration::from_millis(200);
        while Instant::now() < until {}
        let spent = before.since(&me).expect("read");
        assert!(spent.of[0].1 >= 20_000.0, "{spent:?}");
        assert!(spent.busy > 0.0 && spent.busy <= 1.0, "{spent:?}");
    }

    #[test]
    fn a_named_child_is_not_counted_twice() {
        let me = std::process::id();
        let mut child = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .expect("a child");
        let processes = [("me", me), ("child", child.id())];
        let before = Cpu::now(&processes).expect("read");
        let until = Instant::now() + Duration::from_secs(20);
        let spent = loop {
            let spent = before.since(&processes).expect("read");
            if spent.of[1].1 >= 300_000.0 || Instant::now() > until {
                break spent;
            }
            std::thread::yield_now();
        };
        // In this order: what is computed in between is in the whole.
        let alone = tree_us(me, &processes).expect("read");
        let whole = tree_us(me, &[]).expect("read");
        child.kill().expect("ended");
        child.wait().expect("waited for");
        assert!(spent.of[1].1 >= 300_000.0, "{spent:?}");
        assert!(
            whole >= alone + 300_000.0,
            "{whole} with the child, {alone} without"
        );
    }

    #[test]
    fn the_file_system_is_that_of_the_longest_mount_point() {
        assert_eq!(file_system(Path::new("/proc/self")), "proc");
    }
}
