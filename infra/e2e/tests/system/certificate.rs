//! What README tells of a job, from its crontab line to its certificate.
//!
//! Invariant: the certificate is of everything that runs here meanwhile, and holds.

use anyhow::{Result, ensure};

use crate::readme;

pub async fn what_readme_tells_of_jobs_works() -> Result<()> {
    let shown = readme::typed("A job, from a crontab line to its certificate", None).await?;
    for told in ["1 job", "\"tasks_per_hour\"", "\"holds\": true"] {
        ensure!(shown.contains(told), "{told} is not told: {shown}");
    }
    Ok(())
}
