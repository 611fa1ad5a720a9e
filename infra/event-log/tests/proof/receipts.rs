//! Receipts: made from the log, checked without it.
//!
//! Invariant: a receipt is checked by its text and a key alone.

use event_log::{EventLog as _, Position, Receipt, ReceiptError, receipt};

use crate::story::{own_key, sign, task, told};

/// The receipt as whoever got it reads it.
fn handed_over(receipt: &Receipt) -> Receipt {
    let text = serde_json::to_string(receipt).expect("it encodes");
    serde_json::from_str(&text).expect("it decodes")
}

#[tokio::test]
async fn every_commit_that_is_covered_has_a_receipt() {
    let key = own_key();
    let log = told(35, &key).await;
    for position in (1..=32).map(Position) {
        let made = receipt(&log, position).await.expect("a receipt");
        let attested = handed_over(&made).check(&[key.verifier()]).expect("proven");
        assert_eq!(attested.commit.position, position);
        let stored = log.at(position).await.expect("read").expect("there");
        assert_eq!(event_log::Entry::Commit(attested.commit), stored);
        // The nearest that covers it, so that it is made from the log's last part alone.
        let nearest = [10, 21, 32].into_iter().find(|size| *size >= position.0);
        assert_eq!(Some(attested.checkpoint.size), nearest);
    }
    let early = receipt(&log, Position(33)).await;
    assert!(matches!(early, Err(ReceiptError::Early(_))), "{early:?}");
}

#[tokio::test]
async fn nothing_in_a_receipt_can_be_changed() {
    let key = own_key();
    let log = told(35, &key).await;
    let good = receipt(&log, Position(15)).await.expect("a receipt");
    let changes: [fn(&mut Receipt); 9] = [
        |it| it.commit.payload.push(' '),
        |it| it.commit.position = 16,
        |it| it.commit.actor = "system:another".to_owned(),
        |it| it.commit.version = 2,
        |it| it.commit.time = "2030-01-01T00:00:00.000Z".to_owned(),
        |it| it.proof.swap(0, 1),
        |it| drop(it.proof.pop()),
        |it| it.checkpoint = it.checkpoint.replacen("\n21\n", "\n22\n", 1),
        |it| it.version = 2,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut forged = good.clone();
        change(&mut forged);
        assert_ne!(forged, good, "change {at}");
        assert!(forged.check(&[key.verifier()]).is_err(), "change {at}");
    }
    let theirs = own_key();
    let unknown = good.check(&[theirs.verifier()]);
    assert!(matches!(unknown, Err(ReceiptError::Note(_))), "{unknown:?}");
}

#[tokio::test]
async fn an_old_receipt_holds_however_the_log_grows() {
    let key = own_key();
    let log = told(15, &key).await;
    let old = receipt(&log, Position(3)).await.expect("a receipt");
    for id in 0..20 {
        log.append(task(None, 500 + id)).await.expect("stored");
    }
    sign(&log, &[&key]).await;
    assert!(old.check(&[key.verifier()]).is_ok());
    assert_eq!(receipt(&log, Position(3)).await.expect("a receipt"), old);
}
