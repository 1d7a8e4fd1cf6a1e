"""iterate: what to try next, why, what it should bring, and what it costs; then one of these steps, or a loop of them, carried out.

    propose(run) -> [Proposal]            at most five, best first; written to improve/proposals.json
    carry_out(run, proposal) -> Step      a child run with the recipe's change, and what it obtained beside what was predicted
    auto(run, budget) -> Loop             proposals one after the other, accepted on validation rows that did not lead to them

Layer: improve. START HERE: `steps/` has one function per kind of step; `evidence` is all that they see; `gain` draws what they may bring;
`history` keeps what they came to; `ranking` orders them. Nothing here reads a test row. Methods: research of Slice Tuner (Tae & Whang
2021), the Ladder (Blum & Hardt 2015).
"""

from goodfit.improve.iterate.carry import Step, carry_out
from goodfit.improve.iterate.loop import Loop, auto
from goodfit.improve.iterate.proposal import Cost, Proposal
from goodfit.improve.iterate.propose import PROPOSALS, propose, write_proposals

__all__ = ["PROPOSALS", "Cost", "Loop", "Proposal", "Step", "auto", "carry_out", "propose", "write_proposals"]
