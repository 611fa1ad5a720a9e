//! What README tells auditors to type.
//!
//! Invariant: it shows what it says that it shows.

use anyhow::{Result, ensure};

use crate::readme;

pub async fn what_readme_tells_them_to_type_works() -> Result<()> {
    let shown = readme::typed("For auditors", None).await?;
    for told in [
        "\"attributes\":{\"size\":1}",
        "\"pointer\":\"/attributes/size\",\"before\":1,\"after\":2",
        "\"type\":\"resource.updated.v1\"",
        "\"schema\":\"replay\"",
        "\"what\":\"changed\"",
        "\"/state/attributes/size\"",
        "\"no_longer\":[]",
        "{\"dropped\":\"replay\"}",
    ] {
        ensure!(shown.contains(told), "{told} is not told: {shown}");
    }
    Ok(())
}
