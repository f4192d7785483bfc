//! Many metrics at once: Holm's correction, as a level for each, so that intervals and verdicts never disagree.

/// The level at which each of some hypotheses is tested so that the chance of any false rejection among them is at most
/// `alpha` (Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, Scandinavian Journal of Statistics 6, 1979).
/// Holm's procedure needs nothing of how they depend on each other, and holds for always-valid p-values at every moment.
///
/// A rejected one has the level of its step. All others have the level of the step that stopped: an interval at that level
/// leaves 0 in, as it should.
pub fn levels(p_values: &[f64], alpha: f64) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let step = |rank: usize| alpha / (count - rank) as f64;
    let rejected = (0..count).find(|rank| p_values[order[*rank]] > step(*rank)).unwrap_or(count);
    let mut levels = vec![alpha; count];
    for (rank, which) in order.into_iter().enumerate() {
        levels[which] = step(rank.min(rejected));
    }
    levels
}
