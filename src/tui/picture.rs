//! A frame as an SVG picture: monospace text on a dark or a light ground, as a terminal shows it. Lines, blocks and
//! braille are drawn as shapes, so that they meet whatever font there is.

use super::theme::Theme;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;

const CELL: (f64, f64) = (8.4, 17.0);
const MARGIN: f64 = 10.0;

/// The colours of a terminal.
struct Palette {
    ground: &'static str,
    text: &'static str,
    red: &'static str,
    green: &'static str,
    yellow: &'static str,
    blue: &'static str,
    light_blue: &'static str,
    magenta: &'static str,
    cyan: &'static str,
}

static DARK: Palette = Palette {
    ground: "#16181d",
    text: "#d5d8df",
    red: "#f2616c",
    green: "#7fc68a",
    yellow: "#e8bf5a",
    blue: "#4f8fe0",
    light_blue: "#6cabf7",
    magenta: "#c78af0",
    cyan: "#4fc4cf",
};

static LIGHT: Palette = Palette {
    ground: "#fafafa",
    text: "#24292f",
    red: "#c4182b",
    green: "#1a7f37",
    yellow: "#946200",
    blue: "#2166c4",
    light_blue: "#3d85e0",
    magenta: "#8a3fc0",
    cyan: "#0d7f8a",
};

/// The picture of a frame; every cell that says something stands where the terminal has it.
pub fn picture(buffer: &Buffer, theme: Theme) -> String {
    let palette = match theme {
        Theme::Light => &LIGHT,
        Theme::Dark | Theme::Mono => &DARK,
    };
    let area = buffer.area;
    let (width, height) =
        (f64::from(area.width) * CELL.0 + 2.0 * MARGIN, f64::from(area.height) * CELL.1 + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"'DejaVu Sans Mono','Menlo','Consolas',monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n",
        palette.ground
    );
    for y in 0..area.height {
        let row: Vec<&Cell> = (0..area.width).filter_map(|x| buffer.cell((area.x + x, area.y + y))).collect();
        grounds(&mut out, palette, y, &row);
        shapes(&mut out, palette, y, &row);
        texts(&mut out, palette, y, &row);
    }
    out.push_str("</svg>\n");
    out
}

/// The colours behind the text, one rectangle for each run.
fn grounds(out: &mut String, palette: &Palette, y: u16, row: &[&Cell]) {
    for (x, run) in runs(row, |cell| palette.colors(cell).1) {
        if let Some(ground) = palette.colors(run[0]).1 {
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

/// Lines, blocks, shades and braille, one path for each run of one look.
fn shapes(out: &mut String, palette: &Palette, y: u16, row: &[&Cell]) {
    for (x, run) in runs(row, |cell| (symbol(cell).is_some_and(is_shape), palette.colors(cell).0, look(cell))) {
        let mut path = String::new();
        for (i, cell) in run.iter().enumerate() {
            let (left, top) = place(x + i, y);
            for (from_x, from_y, to_x, to_y) in symbol(cell).map(rectangles).unwrap_or_default() {
                let (l, t) = (left + from_x * CELL.0, top + from_y * CELL.1);
                let (w, h) = ((to_x - from_x) * CELL.0, (to_y - from_y) * CELL.1);
                let _ = write!(path, "M{l:.1} {t:.1}h{w:.1}v{h:.1}h-{w:.1}z");
            }
        }
        if !path.is_empty() {
            let shade = match symbol(run[0]) {
                Some('░') => " fill-opacity=\"0.3\"",
                Some('▒') => " fill-opacity=\"0.5\"",
                Some('▓') => " fill-opacity=\"0.75\"",
                _ => "",
            };
            let _ = writeln!(out, "<path d=\"{path}\" fill=\"{}\"{}{shade}/>", palette.colors(run[0]).0, look(run[0]));
        }
    }
}

fn symbol(cell: &Cell) -> Option<char> {
    cell.symbol().chars().next()
}

fn is_shape(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}')
}

/// A rectangle in shares of a cell: from left, from top, to left, to top.
type Part = (f64, f64, f64, f64);

/// The rectangles a shape is made of.
fn rectangles(c: char) -> Vec<Part> {
    const THIN: f64 = 0.07;
    let (left, right) = ((0.0, 0.47, 0.54, 0.53), (0.46, 0.47, 1.0, 0.53));
    let (up, down) = ((0.5 - THIN, 0.0, 0.5 + THIN, 0.5), (0.5 - THIN, 0.5, 0.5 + THIN, 1.0));
    let code = u32::from(c);
    match c {
        '─' => vec![left, right],
        '╌' => vec![(0.05, 0.47, 0.42, 0.53), (0.58, 0.47, 0.95, 0.53)],
        '│' => vec![up, down],
        '┌' => vec![right, down],
        '┐' => vec![left, down],
        '└' => vec![right, up],
        '┘' => vec![left, up],
        '┤' => vec![left, up, down],
        '┴' => vec![left, right, up],
        '▁'..='█' => vec![(0.0, 1.0 - f64::from(code - 0x2580) / 8.0, 1.0, 1.0)],
        '▉'..='▏' => vec![(0.0, 0.0, 1.0 - f64::from(code - 0x2588) / 8.0, 1.0)],
        '░' | '▒' | '▓' => vec![(0.0, 0.0, 1.0, 1.0)],
        '\u{2800}'..='\u{28ff}' => dots(code - 0x2800),
        _ => Vec::new(),
    }
}

fn dots(bits: u32) -> Vec<Part> {
    let places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    let set = places.into_iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    set.map(|(_, (column, row))| {
        let (x, y) = (0.25 + 0.5 * f64::from(column), 0.125 + 0.25 * f64::from(row));
        (x - 0.13, y - 0.065, x + 0.13, y + 0.065)
    })
    .collect()
}

/// The text, one element for each word of one look, each in its column.
fn texts(out: &mut String, palette: &Palette, y: u16, row: &[&Cell]) {
    let kind = |cell: &Cell| {
        let c = symbol(cell);
        (c.is_none_or(|c| c == ' ' || is_shape(c)), c.is_some_and(|c| c.is_ascii()), palette.colors(cell).0, look(cell))
    };
    for (x, run) in runs(row, kind).into_iter().filter(|(_, run)| !kind(run[0]).0) {
        let text: String = run.iter().map(|cell| cell.symbol()).collect();
        let (left, top) = place(x, y);
        let _ = writeln!(
            out,
            "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{}\"{}>{}</text>",
            top + CELL.1 * 0.76,
            palette.colors(run[0]).0,
            look(run[0]),
            escape(&text)
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

fn look(cell: &Cell) -> &'static str {
    match (cell.modifier.contains(Modifier::BOLD), cell.modifier.contains(Modifier::DIM)) {
        (true, _) => " font-weight=\"bold\"",
        (_, true) => " opacity=\"0.55\"",
        _ => "",
    }
}

impl Palette {
    /// The colours of the text and of the ground; reversed ones are turned around.
    fn colors(&self, cell: &Cell) -> (&'static str, Option<&'static str>) {
        let (text, ground) = (self.hex(cell.fg).unwrap_or(self.text), self.hex(cell.bg));
        if cell.modifier.contains(Modifier::REVERSED) {
            (ground.unwrap_or(self.ground), Some(text))
        } else {
            (text, ground)
        }
    }

    fn hex(&self, color: Color) -> Option<&'static str> {
        Some(match color {
            Color::Black => self.ground,
            Color::Red => self.red,
            Color::Green => self.green,
            Color::Yellow => self.yellow,
            Color::Blue => self.blue,
            Color::LightBlue => self.light_blue,
            Color::Magenta => self.magenta,
            Color::Cyan => self.cyan,
            _ => return None,
        })
    }
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
        buffer.set_string(8, 1, "─▅⠋", Style::new());
        let svg = picture(&buffer, Theme::Dark);
        assert!(svg.contains("fill=\"#f2616c\" font-weight=\"bold\""), "{svg}");
        assert!(svg.contains(">p95</text>") && svg.contains(">&lt;3s&gt;</text>"), "{svg}");
        assert!(svg.contains(&format!("fill=\"{}\"/>", DARK.text)), "{svg}");
        assert!(svg.contains("<path d=\"M"), "{svg}");
        let light = picture(&buffer, Theme::Light);
        assert!(light.contains(LIGHT.ground) && light.contains(LIGHT.red) && !light.contains(DARK.text));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }
}
