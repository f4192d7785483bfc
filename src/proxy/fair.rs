//! A line of waiting calls, first come first served within a user and each user in its turn. Bounded: when it is full, who
//! has most in it gives way to who has less.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A line.
#[derive(Debug)]
pub struct Fair<T> {
    most: usize,
    len: usize,
    /// Users that wait, each once; the first is next.
    turns: VecDeque<Arc<str>>,
    users: HashMap<Arc<str>, VecDeque<(u64, T)>>,
}

impl<T> Fair<T> {
    /// For at most `most`.
    pub fn new(most: usize) -> Fair<T> {
        Fair { most, len: 0, turns: VecDeque::new(), users: HashMap::new() }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// All that wait, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.users.values().flatten().map(|(_, item)| item)
    }

    /// How many will go before one more of this user.
    pub fn ahead(&self, user: &str) -> usize {
        let own = self.users.get(user).map_or(0, VecDeque::len);
        let others = self.users.iter().filter(|(other, _)| &***other != user);
        own + others.map(|(_, waiting)| waiting.len().min(own + 1)).sum::<usize>()
    }

    /// Puts one at the end of its user's line, by an id of its own; gives back who had to give way to it.
    ///
    /// # Errors
    /// The item, where the line is full and no other user has more in it.
    pub fn push(&mut self, user: &str, id: u64, item: T) -> Result<Option<T>, T> {
        let mut out = None;
        if self.len >= self.most {
            match self.greediest(user) {
                Some(greediest) => out = self.pop_newest(&greediest),
                None => return Err(item),
            }
        }
        self.len += 1;
        match self.users.get_mut(user) {
            Some(waiting) => waiting.push_back((id, item)),
            None => {
                let user: Arc<str> = user.into();
                self.turns.push_back(Arc::clone(&user));
                self.users.insert(user, VecDeque::from([(id, item)]));
            }
        }
        Ok(out)
    }

    /// Who is next.
    pub fn front(&self) -> Option<&T> {
        let (_, item) = self.users.get(self.turns.front()?)?.front()?;
        Some(item)
    }

    /// Takes who is next.
    pub fn pop(&mut self) -> Option<T> {
        let user = self.turns.pop_front()?;
        let waiting = self.users.get_mut(&user)?;
        let (_, item) = waiting.pop_front()?;
        self.len -= 1;
        if waiting.is_empty() {
            self.users.remove(&user);
        } else {
            self.turns.push_back(user);
        }
        Some(item)
    }

    /// Takes one out of the line.
    pub fn remove(&mut self, user: &str, id: u64) -> Option<T> {
        let waiting = self.users.get_mut(user)?;
        let at = waiting.iter().position(|(other, _)| *other == id)?;
        let (_, item) = waiting.remove(at)?;
        self.left(user);
        Some(item)
    }

    /// Who has most, and would still have as many as `user` without one.
    fn greediest(&self, user: &str) -> Option<Arc<str>> {
        let own = self.users.get(user).map_or(0, VecDeque::len);
        // Of several the one whose turn is last.
        let (len, greediest) = self
            .turns
            .iter()
            .map(|user| (self.users.get(user).map_or(0, VecDeque::len), user))
            .max_by_key(|(len, _)| *len)?;
        (len > own + 1).then(|| Arc::clone(greediest))
    }

    fn pop_newest(&mut self, user: &str) -> Option<T> {
        let (_, item) = self.users.get_mut(user)?.pop_back()?;
        self.left(user);
        Some(item)
    }

    /// One of a user's left.
    fn left(&mut self, user: &str) {
        self.len -= 1;
        if self.users.get(user).is_some_and(VecDeque::is_empty) {
            self.users.remove(user);
            self.turns.retain(|other| &**other != user);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    /// Lines of `user` and number, such as `a1`.
    fn line(most: usize, items: &[&'static str]) -> Fair<&'static str> {
        let mut line = Fair::new(most);
        for (id, item) in items.iter().enumerate() {
            assert_eq!(line.push(&item[..1], id as u64, *item), Ok(None));
        }
        line
    }

    fn all(mut line: Fair<&'static str>) -> String {
        std::iter::from_fn(|| line.pop()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_user_has_its_turn() {
        let mut line = line(99, &["a1", "a2", "a3", "b1", "c1", "c2"]);
        assert_eq!((line.ahead("a"), line.ahead("b"), line.ahead("d")), (3 + 1 + 2, 1 + 2 + 2, 3));
        assert_eq!(line.front(), Some(&"a1"));
        assert_eq!(line.remove("c", 4), Some("c1"));
        assert_eq!(line.remove("b", 3), Some("b1"));
        assert_eq!((line.remove("b", 3), line.remove("a", 9)), (None, None));
        assert_eq!(line.len(), 4);
        assert_eq!(all(line), "a1 c2 a2 a3");
    }

    #[test]
    fn who_has_most_gives_way_when_it_is_full() {
        let mut line = line(3, &["a1", "a2", "a3"]);
        assert_eq!(line.push("a", 8, "a4"), Err("a4"));
        assert_eq!(line.push("b", 9, "b1"), Ok(Some("a3")));
        assert_eq!(line.push("b", 10, "b2"), Err("b2"), "that would only turn it round");
        assert_eq!(line.push("c", 11, "c1"), Ok(Some("a2")));
        assert_eq!(line.push("d", 12, "d1"), Err("d1"));
        assert_eq!(all(line), "a1 b1 c1");
        assert_eq!(Fair::new(0).push("a", 0, "a1"), Err("a1"));
    }

    proptest! {
        #[test]
        fn nobody_waits_for_more_than_its_share(steps in prop::collection::vec((0_u8..5, 0_u8..4, any::<bool>()), 1..300)) {
            let (mut line, mut waits) = (Fair::new(20), HashMap::<u64, (u8, usize, [usize; 5])>::new());
            for (id, (user, _, pushes)) in (0..).zip(steps) {
                if pushes {
                    let own = waits.values().filter(|(other, ..)| *other == user).count();
                    match line.push(&user.to_string(), id, id) {
                        Ok(Some(out)) => { waits.remove(&out); }
                        Ok(None) => {}
                        Err(_) => continue,
                    }
                    waits.insert(id, (user, own, [0; 5]));
                } else if let Some(gone) = line.pop() {
                    let (user, own, seen) = waits.remove(&gone).unwrap();
                    for (other, seen) in seen.into_iter().enumerate() {
                        let share = if other == usize::from(user) { own } else { own + 1 };
                        prop_assert!(seen <= share, "{seen} of {other} went before {own} of {user}");
                    }
                    waits.values_mut().for_each(|(.., seen)| seen[usize::from(user)] += 1);
                }
                prop_assert_eq!(line.len(), waits.len());
                prop_assert!(line.len() <= 20);
                prop_assert_eq!(line.iter().count(), line.len());
            }
        }
    }
}
