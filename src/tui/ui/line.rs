//! The line one types filters and commands into: a text, a cursor, the lines used before.

use super::super::keys::Edit;

/// A line that is being typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    text: String,
    /// In characters from the start.
    cursor: usize,
    /// How far back in the lines used before; 0 is the new one.
    back: usize,
    draft: String,
}

/// Longest line that can be typed.
const MOST: usize = 2_000;

impl Line {
    /// A line with a text and the cursor behind it.
    pub fn new(text: &str) -> Line {
        let text: String = text.chars().take(MOST).collect();
        Line { cursor: text.chars().count(), text, ..Line::default() }
    }

    /// What has been typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor is, in characters from the start.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    fn byte(&self, at: usize) -> usize {
        self.text.char_indices().nth(at).map_or(self.text.len(), |(i, _)| i)
    }

    /// Types a character; control characters are left out.
    pub fn insert(&mut self, c: char) {
        if !c.is_control() && self.text.len() < MOST {
            let at = self.byte(self.cursor);
            self.text.insert(at, c);
            self.cursor += 1;
        }
    }

    /// The word before the cursor.
    pub fn word(&self) -> &str {
        let before = &self.text[..self.byte(self.cursor)];
        before.rsplit(' ').next().unwrap_or(before)
    }

    /// Replaces the word before the cursor.
    pub fn replace_word(&mut self, with: &str) {
        let (end, start) = (self.byte(self.cursor), self.byte(self.cursor) - self.word().len());
        self.cursor = self.text[..start].chars().count() + with.chars().count();
        self.text.replace_range(start..end, with);
    }

    fn cut(&mut self, from: usize) {
        let (start, end) = (self.byte(from), self.byte(self.cursor));
        self.text.replace_range(start..end, "");
        self.cursor = from;
    }

    fn word_start(&self) -> usize {
        let before: Vec<char> = self.text.chars().take(self.cursor).collect();
        let end = before.iter().rposition(|c| *c != ' ').map_or(0, |i| i + 1);
        before[..end].iter().rposition(|c| *c == ' ').map_or(0, |i| i + 1)
    }

    /// Edits the line. `used` are the lines used before, oldest first.
    pub fn edit(&mut self, edit: Edit, used: &[String]) {
        let end = self.text.chars().count();
        match edit {
            Edit::Backspace => self.cut(self.cursor.saturating_sub(1)),
            Edit::Delete if self.cursor < end => {
                self.cursor += 1;
                self.cut(self.cursor - 1);
            }
            Edit::DeleteWord => self.cut(self.word_start()),
            Edit::DeleteStart => self.cut(0),
            Edit::Left => self.cursor = self.cursor.saturating_sub(1),
            Edit::Right => self.cursor = (self.cursor + 1).min(end),
            Edit::Start => self.cursor = 0,
            Edit::End => self.cursor = end,
            Edit::Older => self.recall(self.back.saturating_add(1).min(used.len()), used),
            Edit::Newer => self.recall(self.back.saturating_sub(1), used),
            Edit::Delete | Edit::Submit | Edit::Cancel | Edit::Complete => {}
        }
    }

    fn recall(&mut self, back: usize, used: &[String]) {
        if back == self.back {
            return;
        }
        if self.back == 0 {
            self.draft.clone_from(&self.text);
        }
        let text = if back == 0 { self.draft.clone() } else { used[used.len() - back].clone() };
        *self = Line { draft: std::mem::take(&mut self.draft), back, ..Line::new(&text) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_works_on_characters() {
        let mut line = Line::new("model:模型 x");
        line.edit(Edit::DeleteWord, &[]);
        assert_eq!(line.text(), "model:模型 ");
        line.edit(Edit::DeleteWord, &[]);
        assert_eq!(line.text(), "");
        "ab".chars().for_each(|c| line.insert(c));
        line.edit(Edit::Left, &[]);
        line.insert('é');
        assert_eq!((line.text(), line.cursor()), ("aéb", 2));
        line.edit(Edit::Delete, &[]);
        line.edit(Edit::Backspace, &[]);
        line.edit(Edit::Backspace, &[]);
        line.edit(Edit::Backspace, &[]);
        assert_eq!(line.text(), "");
        line.insert('\u{1b}');
        assert_eq!(line.text(), "");
    }

    #[test]
    fn lines_used_before_come_back_and_the_draft_too() {
        let used = ["one".to_owned(), "two".to_owned()];
        let mut line = Line::new("draft");
        line.edit(Edit::Older, &used);
        assert_eq!(line.text(), "two");
        line.edit(Edit::Older, &used);
        line.edit(Edit::Older, &used);
        assert_eq!(line.text(), "one");
        line.edit(Edit::Newer, &used);
        line.edit(Edit::Newer, &used);
        assert_eq!(line.text(), "draft");
    }

    #[test]
    fn words_are_replaced_where_the_cursor_is() {
        let mut line = Line::new("status:error mod");
        assert_eq!(line.word(), "mod");
        line.replace_word("model:");
        assert_eq!((line.text(), line.cursor()), ("status:error model:", 19));
    }
}
