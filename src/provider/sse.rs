//! Server-sent events out of any chunks of bytes, as the HTML standard reads them: LF, CRLF and CR end lines, a blank line
//! ends an event, comments and unknown fields are nothing.
