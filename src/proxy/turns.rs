//! The line before a limit: each key has its turn, and of one key's calls each user has its own. So a client that gives
//! every call a user of its own wins nothing from others. Bounded: when it is full, who has most in it gives way.

use super::fair::Fair;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Whose a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who<'a> {
    /// The client, or its key: what it cannot choose.
    pub owner: &'a str,
    /// The user, as the client says.
    pub user: &'a str,
}

/// A line.
#[derive(Debug)]
pub struct Turns<T> {
    most: usize,
    len: usize,
    /// Owners that wait, each once; the first is next.
    turns: VecDeque<Arc<str>>,
    owners: HashMap<Arc<str>, Fair<T>>,
}

impl<T> Turns<T> {
    /// For at most `most`.
    pub fn new(most: usize) -> Turns<T> {
        Turns { most, len: 0, turns: VecDeque::new(), owners: HashMap::new() }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// All that wait, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.owners.values().flat_map(Fair::iter)
    }

    /// How many will go before one more of these.
    pub fn ahead(&self, who: Who<'_>) -> usize {
        let own = self.owners.get(who.owner).map_or(0, |line| line.ahead(who.user));
        let others = self.owners.iter().filter(|(other, _)| &***other != who.owner);
        own + others.map(|(_, line)| line.len().min(own + 1)).sum::<usize>()
    }

    /// Puts one at the end of its user's line, by an id of its own; gives back who had to give way to it.
    ///
    /// # Errors
    /// The item, where the line is full and nobody else has more in it.
    pub fn push(&mut self, who: Who<'_>, id: u64, item: T) -> Result<Option<T>, T> {
        let mut out = None;
        if self.len >= self.most {
            out = self.make_room(who);
            if out.is_none() {
                return Err(item);
            }
        }
        if !self.owners.contains_key(who.owner) {
            let owner: Arc<str> = who.owner.into();
            self.turns.push_back(Arc::clone(&owner));
            self.owners.insert(owner, Fair::new(usize::MAX));
        }
        match self.owners.get_mut(who.owner).map(|line| line.push(who.user, id, item)) {
            Some(Err(item)) => Err(item),
            _ => {
                self.len += 1;
                Ok(out)
            }
        }
    }

    /// Who is next.
    pub fn front(&self) -> Option<&T> {
        self.owners.get(self.turns.front()?)?.front()
    }

    /// Takes who is next.
    pub fn pop(&mut self) -> Option<T> {
        let owner = self.turns.pop_front()?;
        let line = self.owners.get_mut(&owner)?;
        let item = line.pop()?;
        self.len -= 1;
        if line.len() == 0 {
            self.owners.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        Some(item)
    }

    /// Takes one out of the line.
    pub fn remove(&mut self, who: Who<'_>, id: u64) -> Option<T> {
        let item = self.owners.get_mut(who.owner)?.remove(who.user, id)?;
        self.left(who.owner);
        Some(item)
    }

    /// Takes out the newest of whoever has most, where that still has as many as `who` without it: of another owner, else of
    /// another user of the same.
    fn make_room(&mut self, who: Who<'_>) -> Option<T> {
        let own = self.owners.get(who.owner).map_or(0, Fair::len);
        let len = |owner: &Arc<str>| self.owners.get(owner).map_or(0, Fair::len);
        // Of several the one whose turn is last.
        let greediest = self.turns.iter().max_by_key(|owner| len(owner)).filter(|owner| len(owner) > own + 1).cloned();
        let item = match &greediest {
            Some(owner) => self.owners.get_mut(owner)?.pop_of_greediest(None)?,
            None => self.owners.get_mut(who.owner)?.pop_of_greediest(Some(who.user))?,
        };
        self.left(greediest.as_deref().unwrap_or(who.owner));
        Some(item)
    }

    /// One of an owner's left.
    fn left(&mut self, owner: &str) {
        self.len -= 1;
        if self.owners.get(owner).is_some_and(|line| line.len() == 0) {
            self.owners.remove(owner);
            self.turns.retain(|other| &**other != owner);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Who is meant by `ab`: user b of owner a.
    fn who(text: &str) -> Who<'_> {
        Who { owner: &text[..1], user: &text[1..2] }
    }

    /// Lines of owner, user and number, such as `ax1`.
    fn line(most: usize, items: &[&'static str]) -> Turns<&'static str> {
        let mut line = Turns::new(most);
        for (id, item) in items.iter().enumerate() {
            assert_eq!(line.push(who(item), id as u64, *item), Ok(None));
        }
        line
    }

    fn all(mut line: Turns<&'static str>) -> String {
        std::iter::from_fn(|| line.pop()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_user_of_its_own_for_each_call_wins_nothing() {
        let line = line(99, &["aw1", "ax1", "ay1", "az1", "bx1", "bx2"]);
        assert_eq!((line.len(), line.iter().count(), line.front()), (6, 6, Some(&"aw1")));
        assert_eq!((line.ahead(who("bx")), line.ahead(who("bz")), line.ahead(who("cx"))), (2 + 3, 1 + 2, 2));
        assert_eq!(all(line), "aw1 bx1 ax1 bx2 ay1 az1");
    }

    #[test]
    fn users_of_one_owner_take_turns() {
        let mut line = line(99, &["ax1", "ax2", "ay1", "bx1"]);
        assert_eq!((line.remove(who("bx"), 3), line.remove(who("bx"), 3)), (Some("bx1"), None));
        assert_eq!(line.len(), 3);
        assert_eq!(all(line), "ax1 ay1 ax2");
    }

    #[test]
    fn who_has_most_gives_way_be_it_under_many_names() {
        let mut line = line(4, &["aw1", "ax1", "ay1", "az1"]);
        assert_eq!(line.push(who("aq"), 8, "aq1"), Err("aq1"));
        assert_eq!(line.push(who("bx"), 9, "bx1"), Ok(Some("az1")));
        assert_eq!(line.push(who("bx"), 10, "bx2"), Ok(Some("ay1")));
        assert_eq!(line.push(who("bx"), 11, "bx3"), Err("bx3"), "that would only turn it round");
        assert_eq!(line.len(), 4);
        assert_eq!(all(line), "aw1 bx1 ax1 bx2");
        let mut line = self::line(3, &["ax1", "ax2", "ax3"]);
        assert_eq!(line.push(who("ay"), 9, "ay1"), Ok(Some("ax3")), "of one owner, too");
        assert_eq!(all(line), "ax1 ay1 ax2");
        assert_eq!(Turns::new(0).push(who("ax"), 0, "ax1"), Err("ax1"));
    }
}
