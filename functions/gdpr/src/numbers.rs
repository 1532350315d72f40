//! How the numbers of a request were read and what they found: counted, as no number is told outside of `output.json`.

use serde_json::Value;

use crate::ended::Ended;
use crate::output::Output;

/// The counts of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    all: usize,
    read_otherwise: usize,
    /// `None`: the answer does not tell.
    found_nothing: Option<usize>,
    perhaps: usize,
}

impl Numbers {
    /// Those of an answer to Forget Me, its undo or Export Me. `None`: it is about no numbers. What the numbers of a case found is
    /// told while it is pending: of one that is hiding not all is counted yet, and nothing is counted of one that is closed.
    pub(crate) fn of(answer: &Value) -> Option<Self> {
        let read_as = answer.get("read_as")?.as_object()?;
        let is_otherwise = |(spelling, callers): &(&String, &Value)| {
            callers.as_array().is_none_or(|callers| callers != &[Value::from(spelling.as_str())])
        };
        let found_nothing = |found: &&Value| {
            found.get("messages").and_then(Value::as_u64) == Some(0)
                || found.as_array().is_some_and(Vec::is_empty)
        };
        let is_counted = answer.get("status").is_none_or(|status| status == "pending" || status == "undone");
        let consumers = answer.get("consumers").and_then(Value::as_object);
        Some(Self {
            all: read_as.len(),
            read_otherwise: read_as.iter().filter(is_otherwise).count(),
            found_nothing: is_counted.then(|| {
                consumers.into_iter().flatten().map(|(_, found)| found).filter(found_nothing).count()
            }),
            perhaps: answer.get("perhaps").and_then(Value::as_object).map_or(0, serde_json::Map::len),
        })
    }

    /// All of them, as a line.
    pub(crate) fn line(self) -> String {
        let Self { all, read_otherwise, found_nothing, perhaps } = self;
        let nothing = found_nothing.map(|nothing| format!("; found nothing: {nothing}")).unwrap_or_default();
        format!(
            "Numbers: {all}; read otherwise than written: {read_otherwise}{nothing}; other callers whom the same digits may mean \
             and who have messages: {perhaps}. Which is in output.json."
        )
    }

    /// What the last line of a run says where a number found nothing.
    pub(crate) fn nothing(self) -> String {
        match self.found_nothing {
            None | Some(0) => String::new(),
            Some(nothing) => format!(
                " Nothing was found for {nothing} of {} numbers: see read_as in output.json.",
                self.all
            ),
        }
    }
}

/// Says how the numbers were read; what the last line is to say of those that found nothing.
pub(crate) fn say_numbers(answer: &Value, output: &mut Output) -> Result<String, Ended> {
    let Some(numbers) = Numbers::of(answer) else { return Ok(String::new()) };
    output.say(&numbers.line())?;
    Ok(numbers.nothing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_tells_how_many_numbers_were_read_otherwise_found_nothing_or_may_mean_others() {
        let answer = json!({
            "read_as": {"+49301": ["+49301"], "0301": ["+49301"], "a / b": ["+491", "+492"]},
            "perhaps": {"+4949301": 2, "+4949302": null},
            "consumers": {"+49301": {"messages": 2}, "0301": {"messages": 0}, "a / b": []},
        });
        let numbers = Numbers::of(&answer).unwrap();
        assert_eq!(numbers, Numbers { all: 3, read_otherwise: 2, found_nothing: Some(2), perhaps: 2 });
        assert!(numbers.nothing().contains("2 of 3"));
        assert!(!numbers.line().contains("49"));
        let closed =
            json!({"read_as": {"1": ["+491"]}, "consumers": {"1": {"messages": 0}}, "status": "erased"});
        assert_eq!(Numbers::of(&closed).unwrap().nothing(), "");
        assert_eq!(Numbers::of(&json!({"consumers": {}})), None, "an undo by case id alone");
    }
}
