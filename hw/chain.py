"""Drain chains through the shadow registers of processing elements."""

from itertools import pairwise

from params import ArrayConfig


def link_chains(m, config: ArrayConfig, elements: dict, chains) -> None:
    """Link the shadow registers of a lane group to its drain chains.

    Parameters
    ----------
    elements : by (filter, lane of the group), with `chain` and `shadow` ports.
    chains : array of accumulators, the ends of the chains; each begins at its lowest lane with
        filter 0 and goes on, lane by lane and then filter by filter.
    """
    filters = 1 + max(f for f, _ in elements)
    for chain in range(config.chains_per_group):
        lanes = range(chain * config.chain_length, (chain + 1) * config.chain_length)
        links = [elements[f, lane] for f in range(filters) for lane in lanes]
        m.d.comb += chains[chain].eq(links[0].shadow)
        m.d.comb += [link.chain.eq(following.shadow) for link, following in pairwise(links)]
