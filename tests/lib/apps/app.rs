// SPDX-License-Identifier: Apache-2.0
// A server on Rust's standard library, a thread for each connection: app PORT
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

fn answer(stream: &mut TcpStream, head: bool, status: &str, body: &[u8]) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n", status, body.len())?;
    stream.write_all(if head { b"" } else { body })
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut line, mut field, mut length) = (String::new(), String::new(), 0);
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        while field != "\r\n" {
            field.clear();
            reader.read_line(&mut field)?;
            if let Some(value) = field.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let head = line.starts_with("HEAD");
        match line.split([' ', '?'].as_ref()).nth(1) {
            Some("/hello") => answer(&mut stream, head, "200 OK", format!("{}\n", length).as_bytes())?,
            Some("/large") => answer(&mut stream, head, "200 OK", &vec![b'x'; 300000])?,
            _ => answer(&mut stream, head, "404 Not Found", b"no\n")?,
        }
    }
}

fn main() {
    let port = std::env::args().nth(1).unwrap();
    for stream in TcpListener::bind(format!("127.0.0.1:{}", port)).unwrap().incoming() {
        std::thread::spawn(|| serve(stream.unwrap()));
    }
}
