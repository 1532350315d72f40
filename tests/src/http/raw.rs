//! Bytes on a connection, for what no library of a client sends, and what they cost the process.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::centre::Person;
use super::gateway::Gateway;

/// The service ends every connection before.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came back until the service ended the connection.
#[derive(Debug)]
pub struct Reply {
    /// The status of the first answer; 0 where there was none.
    pub status: u16,
    /// All of it.
    pub text: String,
    /// From the first byte sent to the end of the connection.
    pub took: Duration,
}

impl Reply {
    /// Reads what came.
    pub fn read(bytes: &[u8], took: Duration) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        Self { status: status.unwrap_or(0), text, took }
    }
}

impl Person {
    /// The head of a request by this person over this gateway's last connection, with these lines more.
    pub fn raw_head(&self, gateway: &Gateway, request: &str, lines: &str) -> Vec<u8> {
        let credentials = self.credentials().map(|it| format!("Authorization: {it}\r\n")).unwrap_or_default();
        let host = &gateway.address;
        format!("{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{credentials}{lines}\r\n")
            .into_bytes()
    }

    /// The same with a body of this type, whose length is said.
    pub fn raw_request(&self, gateway: &Gateway, request: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
        let lines = format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len());
        [&self.raw_head(gateway, request, &lines), body].concat()
    }
}

impl Gateway {
    /// Sends these bytes over a connection of their own, and reads it to its end.
    pub async fn exchange(&self, bytes: &[u8]) -> Reply {
        let begun = Instant::now();
        let (mut from, mut to) = self.connect().await.into_split();
        let mut came = Vec::new();
        // A refusal may come before all is sent, and the rest is taken by nobody then.
        let both = async { tokio::join!(to.write_all(bytes), from.read_to_end(&mut came)) };
        let (_, read) = tokio::time::timeout(PATIENCE, both).await.expect("the connection is ended");
        let reply = Reply::read(&came, begun.elapsed());
        assert!(read.is_ok() || reply.status != 0, "{read:?} without an answer");
        reply
    }

    /// From now on [`Gateway::peak`] counts anew; gives the memory that the process has, in bytes.
    pub fn forget_peak(&self) -> u64 {
        std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5").unwrap();
        self.memory("VmRSS:")
    }

    /// The most memory that the process had, in bytes.
    pub fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}
