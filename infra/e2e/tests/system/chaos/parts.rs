//! The processes that are killed and frozen.
//!
//! Invariant: whoever was killed is started again, whoever was frozen goes on; so at the end of a
//! round there are as many as before.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::harness::{Process, Roles};

/// How many of each role.
const EACH: usize = 3;
/// The roles in trouble, and for how long one of them is frozen: longer than it is known for
/// without a word, by a few seconds.
const TROUBLED: [(&str, Duration); 2] = [
    ("scheduler", Duration::from_secs(10)),
    ("worker", Duration::from_secs(19)),
];
/// Between one mishap and the next.
const BREATH: Duration = Duration::from_millis(1_500);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Numbers that look random and are the same for the same seed (`SplitMix64`, Steele 2014).
#[derive(Debug)]
pub struct Dice(u64);

/// Schedulers and workers.
#[derive(Debug)]
pub struct Parts(Vec<Part>);

#[derive(Debug)]
struct Part {
    name: String,
    process: Process,
    role: &'static str,
}

impl Dice {
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) % sides
    }
}

impl Part {
    fn start(roles: &Roles, role: &'static str, name: String) -> Result<Self> {
        let process = roles.one_more(role, &name)?;
        Ok(Self {
            name,
            process,
            role,
        })
    }
}

impl Parts {
    pub fn start(roles: &Roles) -> Result<Self> {
        let mut parts = Vec::new();
        for (role, _) in TROUBLED {
            for number in 0..EACH {
                let name = format!("chaos-{role}-{number}");
                parts.push(Part::start(roles, role, name)?);
            }
        }
        Ok(Self(parts))
    }

    /// Of each role one is frozen, and meanwhile the others are killed, one after the other.
    pub async fn trouble(&mut self, roles: &Roles, dice: &mut Dice) -> Result<()> {
        let mut frozen = Vec::new();
        for (role, hold) in TROUBLED {
            let which = self.pick(role, dice);
            self.0[which].process.signal(Signal::SIGSTOP)?;
            frozen.push((which, hold, tokio::time::Instant::now()));
        }
        for _ in 0..EACH {
            tokio::time::sleep(BREATH + Duration::from_millis(dice.below(1_000))).await;
            let (role, _) = TROUBLED[dice.below(TROUBLED.len() as u64) as usize];
            let which = self.pick(role, dice);
            // Who is frozen may die as well.
            frozen.retain(|(one, ..)| *one != which);
            self.replace(roles, which).await?;
        }
        for (which, hold, since) in frozen {
            tokio::time::sleep_until(since + hold).await;
            self.0[which].process.signal(Signal::SIGCONT)?;
        }
        Ok(())
    }

    /// Holds that nobody has ended by itself, also of those that were frozen.
    pub async fn calm(&mut self) -> Result<()> {
        tokio::time::sleep(BREATH).await;
        for Part { name, process, .. } in &mut self.0 {
            if let Some(status) = process.exited()? {
                bail!("{name} ended with {status}, see {}", process.log.display());
            }
        }
        Ok(())
    }

    /// Ends everybody in good order.
    pub async fn finish(self) -> Result<()> {
        for Part {
            name, mut process, ..
        } in self.0
        {
            process.signal(Signal::SIGTERM)?;
            let status = process.ended(STOP_LIMIT).await?;
            ensure!(status.success(), "SIGTERM ended {name} with {status}");
            process.was_refused_nothing()?;
        }
        Ok(())
    }

    fn pick(&self, role: &str, dice: &mut Dice) -> usize {
        let of_role: Vec<usize> = (0..self.0.len())
            .filter(|which| self.0[*which].role == role)
            .collect();
        of_role[dice.below(of_role.len() as u64) as usize]
    }

    /// Kills it, and starts another in its place.
    async fn replace(&mut self, roles: &Roles, which: usize) -> Result<()> {
        let Part {
            name,
            process,
            role,
        } = &mut self.0[which];
        if process.exited()?.is_none() {
            process.signal(Signal::SIGKILL)?;
            process.ended(STOP_LIMIT).await?;
        }
        *process = roles.one_more(role, name)?;
        Ok(())
    }
}
