//! Stands between a client and its service, and does to chosen requests what a network and a busy service do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// It is passed on, and answered.
    Pass,
    /// It is not passed on: this is the answer, head and body.
    Answer(Vec<u8>),
    /// Its answer ends after so many bytes.
    Cut(usize),
    /// Its answer stops after so many bytes, and the connection stays.
    Stall(usize),
}

type Script = Box<dyn FnMut(&str) -> Does + Send>;

/// A place where the service can be reached, on a port of its own. One connection, one request.
pub struct Between {
    /// Where: `http://127.0.0.1:…`.
    pub url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Between {
    /// In front of the service at this address; `script` is asked about the head of each request.
    pub fn before(service: &str, script: impl FnMut(&str) -> Does + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (service, seen) = (service.to_owned(), Arc::clone(&heads));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(script)));
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (service, seen, script) = (service.clone(), Arc::clone(&seen), Arc::clone(&script));
                std::thread::spawn(move || answer(client.unwrap(), &service, &seen, &script));
            }
        });
        Self { url, heads }
    }

    /// The heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn answer(mut client: TcpStream, service: &str, seen: &Mutex<Vec<String>>, script: &Mutex<Script>) {
    let Some((head, body)) = request(&mut client) else { return };
    seen.lock().unwrap().push(head.clone());
    let does = (script.lock().unwrap())(&head);
    if let Does::Answer(answer) = &does {
        // Whoever is asked goes away when it likes.
        let _ = client.write_all(answer);
        return;
    }
    let mut service = TcpStream::connect(service).unwrap();
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    service.write_all(head.as_bytes()).unwrap();
    service.write_all(&body).unwrap();
    let mut answer = Vec::new();
    service.read_to_end(&mut answer).unwrap();
    let shown = match does {
        Does::Cut(bytes) | Does::Stall(bytes) => bytes.min(answer.len()),
        _ => answer.len(),
    };
    let _ = client.write_all(&answer[..shown]);
    if matches!(does, Does::Stall(_)) {
        // Until the client goes.
        let _ = client.read(&mut [0]);
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// The head of a request, with its empty line, and its body.
fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = in_lower_case(std::str::from_utf8(&bytes[..end + 4]).unwrap());
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some((head, bytes[end + 4..].to_vec()));
            }
        }
        match client.read(&mut buffer) {
            Ok(some) if some > 0 => bytes.extend_from_slice(&buffer[..some]),
            _ => return None,
        }
    }
}

/// A head whose names are in lower case.
fn in_lower_case(head: &str) -> String {
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
        None => line.to_owned(),
    };
    head.split("\r\n").map(lower).collect::<Vec<_>>().join("\r\n")
}
