//! The ten questions of `infra/analytics/queries.md`, asked as printed.
//!
//! Invariant: each is asked as an analyst, within an analyst's limits, over a log that is known.

use sqlx::{AssertSqlSafe, Column, Connection as _, Executor as _, PgConnection, SqlSafeStr as _};

use super::figures::{known, lines};

const PAGE: &str = include_str!("../../../../infra/analytics/queries.md");

/// What each answers over the known log; times are left to the columns' names.
const ANSWERS: [&[&str]; 10] = [
    &["queued | 2"],
    &["2027-01-15 | 5 | 2 | 1 | 66.7"],
    &[
        "refused | 1 | 1 | 2027-01-15T09:00:08.15+00:00",
        "timeout | 1 | 1 | 2027-01-15T08:00:03.6+00:00",
    ],
    &["echo | 2 | 300 | 500"],
    &["nightly backup | 1 | 4000 | 4000"],
    &["nightly backup | failed | refused | 2027-01-15T09:00:08.15+00:00"],
    &["low | 1 | 4000 | 4000", "normal | 2 | 1500 | 2000"],
    &["1 | 1 | 50.0", "2 | 1 | 50.0"],
    &[
        "system:test | task | 14 | 2027-01-15T09:00:08.15+00:00",
        "system:test | resource | 3 | 2027-01-15T08:00:00+00:00",
        "system:test | job | 1 | 2027-01-15T08:00:00+00:00",
    ],
    &[
        "host | 2 | 2027-01-15T08:00:00+00:00 | 0",
        "disk | 1 | 2027-01-15T08:00:00+00:00 | 0",
    ],
];

/// The statements of the page, each with the columns that it is said to answer with.
fn asked() -> Vec<(String, Vec<String>)> {
    let blocks = PAGE.split("```sql\n").skip(1);
    let asked = blocks.map(|block| {
        let (statement, rest) = block.split_once("```").expect("a block ends");
        let told = rest.split_once("Answers with ").expect("columns").1;
        let told = told.split_once('.').expect("a sentence").0;
        let columns = told.split('`').skip(1).step_by(2).map(str::to_owned);
        let statement = statement.trim().trim_end_matches(';');
        (statement.to_owned(), columns.collect())
    });
    asked.collect()
}

#[tokio::test]
async fn ten_questions_answer_as_the_page_says() {
    let database = known().await;
    let mut analyst = PgConnection::connect(&database.urls.analyst)
        .await
        .expect("connected");
    let asked = asked();
    assert_eq!(asked.len(), ANSWERS.len());
    for ((statement, columns), expected) in asked.into_iter().zip(ANSWERS) {
        let described = (&mut analyst)
            .describe(AssertSqlSafe(statement.clone()).into_sql_str())
            .await;
        let described = described.unwrap_or_else(|failure| panic!("{statement}: {failure}"));
        let named: Vec<_> = described.columns().iter().map(Column::name).collect();
        assert_eq!(named, columns, "{statement}");
        assert_eq!(lines(&database, &statement).await, expected, "{statement}");
    }
}
