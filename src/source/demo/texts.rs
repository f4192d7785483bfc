//! What people ask and models answer in the demo: a shop for houseplants, its support chatbot, its operations agent.
//! All of it is made up; `example.com` belongs to nobody.

use super::rng::Rng;

/// Something customers ask about: its name, and the prefix of its chunks in the search index.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Topic {
    pub plant: &'static str,
    pub chunk: &'static str,
}

const TOPICS: [Topic; 12] = [
    Topic { plant: "monstera", chunk: "care/monstera" },
    Topic { plant: "fiddle-leaf fig", chunk: "care/fiddle-leaf" },
    Topic { plant: "string of pearls", chunk: "care/pearls" },
    Topic { plant: "Venus flytrap", chunk: "care/flytrap" },
    Topic { plant: "bonsai juniper", chunk: "care/bonsai" },
    Topic { plant: "peace lily", chunk: "care/peace-lily" },
    Topic { plant: "cactus called Gerald", chunk: "care/cactus" },
    Topic { plant: "maidenhair fern", chunk: "care/fern" },
    Topic { plant: "orchid", chunk: "care/orchid" },
    Topic { plant: "gift card", chunk: "shop/gift-cards" },
    Topic { plant: "self-watering pot", chunk: "shop/pots" },
    Topic { plant: "delivery", chunk: "shop/delivery" },
];

const QUESTIONS: [&str; 14] = [
    "My {} leans towards the neighbour's television. Is it the light or the programme?",
    "How often does a {} want water if I already talk to it every day?",
    "The cat has rearranged my {}. Which parts of it may a cat eat?",
    "I am away for three weeks. Will my {} forgive me?",
    "Is a {} a sensible present for somebody who has killed a plastic one?",
    "The leaves of my {} have brown tips. Am I the problem?",
    "Can a {} live in a bathroom without a window and with a lot of singing?",
    "Where is my order? It should have been a {} and it is a very small box.",
    "What is the difference between your two sizes of {}, apart from my rent?",
    "My {} has grown a second one. Do I owe you anything?",
    "Please cancel the {} in my order, my flatmate has found out.",
    "Does a {} need fertiliser, or encouragement?",
    "I repotted my {} at midnight and it has not forgiven me. What now?",
    "Can you send the invoice for the {} to fern.lover@example.com?",
];

const ANSWERS: [&str; 10] = [
    "Turn your {} a quarter every week and it will look at everyone in equal measure.",
    "Water it when the first two centimetres of soil are dry; conversation does not count as water.",
    "Keep it out of the cat's reach: it upsets stomachs, and then it upsets you.",
    "Three weeks are fine for a {} if you water well before leaving and move it out of the sun.",
    "It is one of the kindest choices. It forgives a month of neglect and says nothing about it.",
    "Brown tips mostly mean dry air or hard water. Try rain water, and stand it away from the heater.",
    "It needs some light. A lamp of 20 W for eight hours will do; the singing is optional.",
    "Your parcel left our greenhouse yesterday. The {} inside is folded less than it seems.",
    "I have taken it off the order. Nobody will hear a word from us.",
    "Give it half the dose on the label from April to September, and nothing in winter.",
];

const NOTHING_FOUND: &str = "I could not find anything about that in our guides, so this is a guess: ";

const TASKS: [&str; 8] = [
    "Order 48213 left the warehouse twice. Find out which one is the orchid and stop the other.",
    "A customer was charged for 40 cacti and wanted 4. Put it right and draft a kind letter.",
    "Stock of self-watering pots is negative. Find out since when, and why nobody was thirsty.",
    "Compare last week's delivery times of both carriers and tell me whom to send flowers.",
    "The greenhouse sensor says 61 °C and the ferns say nothing. Check it and open a ticket.",
    "Find all open orders for Venus flytraps to addresses with a pet shop next door.",
    "Refund the three parcels that went to the address 'the house with the blue door'.",
    "Prepare tomorrow's watering plan; the apprentice is away and the bonsai are touchy.",
];

const MAILS: [&str; 6] = [
    "Subject: The fern. Dear team, it arrived well, it thrives, it has eaten the curtain. Thank you.",
    "Subject: invoice?? I have received two invoices and no plant. One of each would be enough.",
    "Subject: wholesale. We run nine cafés and want one identical monstera in each. Is that cloning?",
    "Subject: complaint. The bonsai is smaller than in the picture. The picture was quite large.",
    "Subject: Gerald. My cactus is in flower, I thought you should know. Photograph attached.",
    "Subject: job. I have talked to plants for eleven years and would like to be paid for it.",
];

/// A topic to ask about.
pub(super) fn topic(rng: &mut Rng) -> Topic {
    rng.pick(&TOPICS)
}

/// A customer's question.
pub(super) fn question(rng: &mut Rng, topic: Topic) -> String {
    rng.pick(&QUESTIONS).replace("{}", topic.plant)
}

/// An answer of one or two sentences; it admits to guessing where nothing was found.
pub(super) fn answer(rng: &mut Rng, topic: Topic, found: bool) -> String {
    let mut text = if found { String::new() } else { NOTHING_FOUND.to_owned() };
    text.push_str(&rng.pick(&ANSWERS).replace("{}", topic.plant));
    if rng.chance(0.4) {
        text.push(' ');
        text.push_str(&rng.pick(&ANSWERS).replace("{}", topic.plant));
    }
    text
}

/// A task for the agent.
pub(super) fn task(rng: &mut Rng) -> &'static str {
    rng.pick(&TASKS)
}

/// A mail to sort.
pub(super) fn mail(rng: &mut Rng) -> &'static str {
    rng.pick(&MAILS)
}
