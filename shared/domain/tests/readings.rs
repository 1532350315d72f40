//! The table of readings, written by hand from the contract alone, against the reader.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use domain::{Caller, NumberingPlan};

/// A line of the table: its columns are explained at its top.
struct Line<'a> {
    at: usize,
    plan: NumberingPlan,
    spelling: String,
    deposit: &'a str,
    request: &'a str,
    perhaps: &'a str,
}

fn lines(table: &str) -> Vec<Line<'_>> {
    let lines = table.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(at, line)| {
            let columns: Vec<_> = line.split('\t').collect();
            Line {
                at: at + 1,
                plan: NumberingPlan {
                    country: columns[0].parse().unwrap(),
                    bare_numbers: columns[1].parse().unwrap(),
                },
                spelling: serde_json::from_str(columns[2]).unwrap(),
                deposit: columns[3],
                request: columns[4],
                perhaps: columns[5],
            }
        })
        .collect()
}

fn reveal<'a>(callers: impl IntoIterator<Item = &'a Caller>) -> Vec<String> {
    callers.into_iter().map(|caller| caller.reveal().to_owned()).collect()
}

/// What is wrong with the reading of a line.
fn judge(line: &Line<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let deposited = Caller::read(&line.spelling, line.plan);
    let expected = line.deposit.strip_prefix('~').unwrap_or(line.deposit);
    let expected = Some(expected).filter(|text| *text != "-");
    if line.deposit != "?" && deposited.as_ref().map(Caller::reveal) != expected {
        wrong.push(format!("a deposit keeps {:?}", deposited.as_ref().map(Caller::reveal)));
    }
    let requested = Caller::requested(&line.spelling, line.plan);
    let expected = match line.request {
        "!" => None,
        "=" => Some(reveal(&deposited)),
        text if text.starts_with('~') => Some(vec![text[1..].to_owned()]),
        numbers => Some(numbers.split(' ').map(str::to_owned).collect()),
    };
    if requested.as_ref().ok().map(reveal) != expected {
        wrong.push(format!("a request reads {:?}", requested.as_ref().map(reveal)));
    }
    let named = requested.unwrap_or_default();
    let others = named.iter().flat_map(|caller| caller.counterparts(line.plan));
    let others: BTreeSet<_> = others.filter(|other| !named.contains(other)).collect();
    let expected: BTreeSet<_> =
        line.perhaps.split(' ').filter(|other| *other != "-").map(str::to_owned).collect();
    if reveal(&others).into_iter().collect::<BTreeSet<_>>() != expected {
        wrong.push(format!("perhaps {:?}", reveal(&others)));
    }
    wrong
}

#[test]
fn every_line_of_the_table_is_read_so_by_deposit_and_by_request() {
    let table = include_str!("readings.tsv");
    let lines = lines(table);
    assert!(lines.len() >= 400);
    let wrong: Vec<_> = lines
        .iter()
        .flat_map(|line| {
            judge(line).into_iter().map(|wrong| {
                format!(
                    "line {}: {:?}: {wrong}, not {} {} {}",
                    line.at, line.spelling, line.deposit, line.request, line.perhaps
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{} readings differ:\n{}", wrong.len(), wrong.join("\n"));
}
