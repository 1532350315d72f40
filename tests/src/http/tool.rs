//! The command line tool, as a process, with an input and an output folder of its own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::gateway::{NONE, program};

/// The tool for one input.
pub struct Tool {
    folder: TempDir,
    /// The service.
    pub url: String,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// What it said, on both streams.
    pub said: String,
}

impl Ran {
    /// Checks the exit code.
    #[track_caller]
    pub fn is(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}", self.said);
        self.said
    }
}

impl Tool {
    /// The tool for this input, at this service.
    pub fn new(url: &str, input: &Value) -> Self {
        let tool = Self { folder: TempDir::new().unwrap(), url: url.to_owned() };
        tool.asks(input);
        tool
    }

    /// Writes another input.
    pub fn asks(&self, input: &Value) {
        self.beside("input.json", &input.to_string());
    }

    /// The tool at another address, with the same folders.
    pub fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    /// Its command line for this operation; without a credential, and with an empty environment.
    pub fn command(&self, operation: &str) -> Command {
        let mut command = Command::new(program("gdpr", NONE));
        command.env_clear();
        command.arg("-i").arg(self.folder.path()).arg("-o").arg(self.path(""));
        command.args(["-p", operation, "--url", &self.url]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it with these arguments more.
    pub fn run(&self, operation: &str, more: &[&str]) -> Ran {
        Self::ended(self.command(operation).args(more).spawn().unwrap())
    }

    /// Waits for a run.
    pub fn ended(child: Child) -> Ran {
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        Ran { code: output.status.code(), said: String::from_utf8(said).unwrap() }
    }

    /// A file of the output folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("output").join(name)
    }

    /// A file beside the output folder, with this content; where it is.
    pub fn beside(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// What was answered.
    #[track_caller]
    pub fn output(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("output.json")).unwrap()).unwrap()
    }

    /// The log of all runs.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("execution.log")).unwrap()
    }

    /// The names of the output folder, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
