//! What must be known of other tasks before one is created.
//!
//! Invariant: it is asked of the log, so a task that was just created can be waited for at once.

use domain::{
    TenantId,
    task::{DEPENDENCIES_MAX, Dependency, Task},
};
use futures::future::try_join_all;

use crate::{Commands, Failure};

impl Commands {
    /// The place of the first of these tasks that does not exist. More than a task may wait for are
    /// not looked at; the task refuses them.
    pub async fn first_unknown(
        &self,
        tenant: TenantId,
        after: &[Dependency],
    ) -> Result<Option<usize>, Failure> {
        let asked = after.iter().take(DEPENDENCIES_MAX);
        let asked = asked.map(|first| self.state::<Task>(tenant, first.task.uuid()));
        let found = try_join_all(asked).await?;
        Ok(found.iter().position(Option::is_none))
    }
}
