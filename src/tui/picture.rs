//! A frame as an SVG picture: monospace text on a dark ground, as a terminal shows it.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

const CELL: (f64, f64) = (8.4, 17.0);
const MARGIN: f64 = 10.0;
const GROUND: &str = "#16181d";
const TEXT: &str = "#d5d8df";

/// The picture of a frame; every cell that says something stands where the terminal has it.
pub fn picture(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) =
        (f64::from(area.width) * CELL.0 + 2.0 * MARGIN, f64::from(area.height) * CELL.1 + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"'DejaVu Sans Mono','Menlo','Consolas',monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n"
    );
    for y in 0..area.height {
        let row: Vec<&Cell> = (0..area.width).filter_map(|x| buffer.cell((area.x + x, area.y + y))).collect();
        grounds(&mut out, y, &row);
        texts(&mut out, y, &row);
    }
    out.push_str("</svg>\n");
    out
}

/// The colours behind the text, one rectangle for each run.
fn grounds(out: &mut String, y: u16, row: &[&Cell]) {
    for (x, run) in runs(row, |cell| colors(cell).1) {
        if let Some(ground) = colors(run[0]).1 {
            let (left, top) = place(x, y);
            let wide = run.len() as f64 * CELL.0;
            let _ = writeln!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{ground}\"/>",
                CELL.1
            );
        }
    }
}

/// The text, one element for each run of one look, stretched to its columns whatever the font.
fn texts(out: &mut String, y: u16, row: &[&Cell]) {
    for (x, run) in runs(row, |cell| (colors(cell).0, look(cell))) {
        let text: String = run.iter().map(|cell| cell.symbol()).collect();
        let trimmed = text.trim_end();
        if trimmed.trim_start().is_empty() {
            continue;
        }
        let skip = trimmed.len() - trimmed.trim_start().len();
        let (left, top) = place(x + skip, y);
        let shown = &trimmed[skip..];
        let wide = shown.width() as f64 * CELL.0;
        let _ = writeln!(
            out,
            "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{}\"{} textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
             xml:space=\"preserve\">{}</text>",
            top + CELL.1 * 0.76,
            colors(run[0]).0,
            look(run[0]),
            escape(shown)
        );
    }
}

fn place(x: usize, y: u16) -> (f64, f64) {
    (MARGIN + x as f64 * CELL.0, MARGIN + f64::from(y) * CELL.1)
}

/// Runs of cells of one kind, each with its first column.
fn runs<'a, 'c, K: PartialEq>(row: &'a [&'c Cell], kind: impl Fn(&Cell) -> K) -> Vec<(usize, &'a [&'c Cell])> {
    let mut out = Vec::new();
    let mut from = 0;
    for x in 1..=row.len() {
        if x == row.len() || kind(row[x]) != kind(row[from]) {
            out.push((from, &row[from..x]));
            from = x;
        }
    }
    out
}

/// The colours of the text and of the ground; reversed ones are turned around.
fn colors(cell: &Cell) -> (&'static str, Option<&'static str>) {
    let (text, ground) = (hex(cell.fg).unwrap_or(TEXT), hex(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) { (ground.unwrap_or(GROUND), Some(text)) } else { (text, ground) }
}

fn look(cell: &Cell) -> &'static str {
    match (cell.modifier.contains(Modifier::BOLD), cell.modifier.contains(Modifier::DIM)) {
        (true, _) => " font-weight=\"bold\"",
        (_, true) => " opacity=\"0.55\"",
        _ => "",
    }
}

fn hex(color: Color) -> Option<&'static str> {
    Some(match color {
        Color::Black => GROUND,
        Color::Red => "#f2616c",
        Color::Green => "#7fc68a",
        Color::Yellow => "#e8bf5a",
        Color::Blue => "#4f8fe0",
        Color::LightBlue => "#6cabf7",
        Color::Magenta => "#c78af0",
        Color::Cyan => "#4fc4cf",
        _ => return None,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    #[test]
    fn text_colours_and_escapes_are_in_the_picture() {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "p95 <3s>", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        buffer.set_string(2, 1, "row", Style::new().add_modifier(Modifier::REVERSED));
        let svg = picture(&buffer);
        assert!(svg.contains("fill=\"#f2616c\" font-weight=\"bold\""), "{svg}");
        assert!(svg.contains(">p95 &lt;3s&gt;</text>"), "{svg}");
        assert!(svg.contains(&format!("fill=\"{TEXT}\"/>")), "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }
}
