"""All blocks of a system, cycle by cycle."""

import numba
import numpy as np

from compiler.system.clocks.commands import (
    ADDS,
    KIND,
    PASSES,
    ROW,
    ROWS,
    RUN,
    TILE,
)
from compiler.system.clocks.compiled import MADE_FROM, inner
from compiler.system.clocks.feed import (
    CHANNELS,
    FEEDER,
    WAITING,
    WORD,
    feeder_asks,
    feeder_starves,
    feeder_takes,
    fork_takes,
    step_feeder,
    step_fork,
)
from compiler.system.clocks.gather import gatherer_asks
from compiler.system.clocks.load import GATHER as LOAD_GATHER
from compiler.system.clocks.load import LOAD as LOAD_SIZE
from compiler.system.clocks.load import POOLED, WRITES, load_idle, step_load
from compiler.system.clocks.queues import differs, keep
from compiler.system.clocks.reads import (
    ARRIVING,
    NOBODY,
    READS,
    choose,
    reads_busy,
    reads_idle,
    step_reads,
)
from compiler.system.clocks.residual import ACTIVE as ADDING
from compiler.system.clocks.residual import COMMAND as ADDING_COMMAND
from compiler.system.clocks.residual import GATHER as RESIDUAL_GATHER
from compiler.system.clocks.residual import TURN as RESIDUAL_TURN
from compiler.system.clocks.residual import (
    asks_for_words,
    can_give,
    step_residual,
)
from compiler.system.clocks.row import (
    BY_STORE,
    HELD_UP,
    ISSUED,
    offers_output,
    row_done,
    set_tile,
    step_row,
    takes_residual,
)
from compiler.system.clocks.scatter import offers_beat, scatterer_asks
from compiler.system.clocks.store import ACTIVE as STORING
from compiler.system.clocks.store import (
    BEGINS,
    COMMAND,
    ENDS,
    SCATTER,
    TAKES,
    TURN,
    has_words,
    step_store,
)
from compiler.system.clocks.supply import (
    SUPPLY,
    UNITS,
    all_given,
    count,
    counting,
    heads,
    signals,
    step_semaphores,
    step_supply,
    supply_asks,
    tell,
    waiting,
)
from compiler.system.clocks.writes import WRITES as WRITES_SIZE
from compiler.system.clocks.writes import (
    WRITTEN,
    step_writes,
    takes_beat,
    takes_request,
    writes_idle,
)

# What the loop must know of a system: places of its blocks, and numbers.
(
    READS_AT, WRITES_AT, SUPPLY_AT, LOAD_AT, STORE_AT, RESIDUAL_AT, FEEDERS_AT, ROWS_AT, ROW_SIZE,
    ROW_COUNT, FILTERS, LENGTH, BUS_BYTES, BYTE_BITS, BURST, LATENCY, BANDWIDTH, HAS_RESIDUALS,
    STORE_PLACES, RESIDUAL_PLACES, SETTINGS,
) = range(21)  # fmt: skip

LOAD, COMPUTE, WEIGHTS, STORE, RESIDUAL = range(UNITS)

FIRST_FEEDER = 2
"""The reader of the first row's weights; commands and the load unit are before it."""

# What a cycle is counted as, in the order of `compiler.system.timing.Reason`.
(
    COMPUTING, WAITS_WEIGHTS, WAITS_RESIDUAL, WAITS_STORE, LOADING, DEPENDS, COMMANDS, REASONS,
) = range(8)  # fmt: skip

# Counters, as those of `params.registers`.
CYCLES, COUNT_COMPUTE, COUNT_LOAD, COUNT_STORE, COUNT_WEIGHTS, COUNTERS = range(6)


@inner
def _event(spans, numbers, unit, ends, now):
    spans[unit, numbers[unit, ends], ends] = now
    numbers[unit, ends] += 1


@numba.njit(cache=True, nogil=True)
def run_clock(
    state, settings, timing, commands, packets, sequences, units, groups, masks, unions,
    last_stores, spans, reasons, counters, limit, made_from=MADE_FROM,
):  # fmt: skip
    """Run until the system is done.

    Parameters
    ----------
    last_stores : of each node its last command of the store unit.
    spans : int64 (units, commands, 2), filled with the cycles in which commands begin and end.
    reasons : int64 (nodes, REASONS), filled with the cycles of each kind until a node's end.
    counters : int64 (COUNTERS,), filled.
    limit : cycles after which a run is given up.
    made_from : left at its default, by which code kept on disk is found again.

    Returns
    -------
    Whether it ended.
    """
    reads, writes, supply = settings[READS_AT], settings[WRITES_AT], settings[SUPPLY_AT]
    load, store, residual = settings[LOAD_AT], settings[STORE_AT], settings[RESIDUAL_AT]
    feeders, rows_at, row_size = settings[FEEDERS_AT], settings[ROWS_AT], settings[ROW_SIZE]
    rows, filters, length = settings[ROW_COUNT], settings[FILTERS], settings[LENGTH]
    bus_bytes, byte_bits, burst = settings[BUS_BYTES], settings[BYTE_BITS], settings[BURST]
    has_residuals = settings[HAS_RESIDUALS] != 0
    residual_reader = FIRST_FEEDER + rows
    readers = residual_reader + int(has_residuals)

    asks = np.zeros(readers, np.int64)
    found = np.zeros(UNITS, np.int64)
    granted = np.zeros(UNITS, np.int64)
    done = np.zeros(UNITS, np.bool_)
    numbers = np.zeros((UNITS, 2), np.int64)
    outputs = np.zeros(rows, np.bool_)
    outputs_taken = np.zeros(rows, np.bool_)
    stored = np.zeros(rows, np.bool_)
    added = np.zeros(rows, np.bool_)
    words_taken = np.zeros(rows, np.bool_)
    words_given = np.zeros(rows, np.bool_)

    stopped = False
    # The array and the compute unit.
    busy, starting, finished_before = False, False, False
    tile, under_way = 0, -1
    node = 0
    # A block does the same again while its state and all that comes to it are the same: it sleeps.
    store_places, residual_places = settings[STORE_PLACES], settings[RESIDUAL_PLACES]
    kept = np.zeros(len(state), np.int64)
    supply_awake, reads_awake, writes_awake, load_awake = True, True, True, True
    store_awake, residual_awake = True, has_residuals
    feeder_awake = np.ones(rows, np.bool_)
    row_awake = np.ones(rows, np.bool_)
    counts_moved = True
    wants, load_waits = 0, 0
    any_asks = False
    for now in range(limit):
        if stopped and reads_idle(state, reads, readers) and writes_idle(state, writes):
            counters[CYCLES] = now + 1
            return True

        # Who asks for memory, and what waits for a semaphore.
        supply_moved = supply_awake
        if supply_moved:
            asks[0] = supply_asks(state, supply, burst)
            heads(state, commands, supply, found)
            wants = waiting(state, commands, supply, COMPUTE)
            load_waits = waiting(state, commands, supply, LOAD)
        if load_awake:
            asks[1] = gatherer_asks(state, load + LOAD_GATHER)
        for k in range(rows):
            if feeder_awake[k]:
                asks[FIRST_FEEDER + k] = feeder_asks(state, feeders + k * FEEDER)
        if residual_awake:
            asks[residual_reader] = gatherer_asks(state, residual + RESIDUAL_GATHER)
        any_asks = False
        if not stopped:
            for k in range(readers):
                any_asks = any_asks or asks[k] != 0
        chosen = choose(state, reads, asks, readers) if any_asks else NOBODY
        arriving = state[reads + ARRIVING]
        load_stuck = load_waits != 0 and not count(state, supply, load_waits)
        any_granted = False
        signalled = signals(state, supply) or counting(state, supply)
        if supply_moved or counts_moved or signalled:
            step_semaphores(state, commands, supply, granted)
            for n in range(UNITS):
                any_granted = any_granted or granted[n] != 0
            counts_moved = signalled or any_granted

        # The store unit and the way to memory.
        any_output = False
        for k in range(rows):
            outputs[k] = offers_output(state, rows_at + k * row_size)
            any_output = any_output or outputs[k]
        any_done = False
        was_storing = state[store + STORING] != 0
        stores_end = False
        pooled_taken = False
        waits_store = False
        done[STORE] = False
        ending = state[store + COMMAND]
        if store_awake or supply_moved or writes_awake or any_output or state[load + POOLED]:
            beat_offered = offers_beat(state, store + SCATTER) != 0
            beat_taken = takes_beat(state, writes)
            beats = 0 if stopped else scatterer_asks(state, store + SCATTER, burst)
            request_taken = beats != 0 and takes_request(state, writes)
            written = state[writes + WRITTEN] != 0
            if writes_awake or beats or beat_offered:
                keep(state, writes, WRITES_SIZE, kept)
                step_writes(state, writes, beats, beat_offered, settings[BANDWIDTH])
                writes_awake = differs(state, writes, WRITES_SIZE, kept)
            keep(state, store + 1, store_places - 1, kept)
            does, pooled_taken = step_store(
                state, commands, groups, store, feeders, rows, length, filters, bus_bytes,
                byte_bits, burst, found[STORE], state[load + POOLED] != 0, beat_taken,
                request_taken, written, outputs, outputs_taken, stored,
            )  # fmt: skip
            store_awake = differs(state, store + 1, store_places - 1, kept)
            store_awake = store_awake or has_words(state, store, feeders, rows)
            stores_end = does & ENDS != 0
            if does & TAKES:
                done[STORE] = True
                any_done = True
            if does & BEGINS:
                _event(spans, numbers, STORE, 0, now)
            if does & ENDS:
                _event(spans, numbers, STORE, 1, now)
                tell(state, commands, supply, STORE, ending)
            elif does & TAKES and not does & BEGINS:
                tell(state, commands, supply, STORE, found[STORE])
            for k in range(rows):
                waits_store = waits_store or (outputs[k] and not outputs_taken[k])
        else:
            state[store + TURN] = 0 if state[store + TURN] == rows - 1 else state[store + TURN] + 1
            for k in range(rows):
                outputs_taken[k] = False
                stored[k] = False

        # The residual unit.
        done[RESIDUAL] = False
        was_adding = False
        if has_residuals:
            was_adding = state[residual + ADDING] != 0
            for k in range(rows):
                words_taken[k] = takes_residual(state, rows_at + k * row_size)
            if (
                residual_awake or supply_moved or arriving == residual_reader
                or chosen == residual_reader or can_give(state, residual, rows, words_taken)
                or asks_for_words(state, residual, feeders, rows)
            ):  # fmt: skip
                adding = state[residual + ADDING_COMMAND]
                keep(state, residual + 1, residual_places - 1, kept)
                does = step_residual(
                    state, commands, groups, residual, feeders, rows, length, filters, bus_bytes,
                    byte_bits, burst, found[RESIDUAL], arriving == residual_reader,
                    chosen == residual_reader, words_taken, words_given, added,
                )  # fmt: skip
                residual_awake = differs(state, residual + 1, residual_places - 1, kept)
                if does & TAKES:
                    done[RESIDUAL] = True
                    any_done = True
                if does & BEGINS:
                    _event(spans, numbers, RESIDUAL, 0, now)
                if does & ENDS:
                    _event(spans, numbers, RESIDUAL, 1, now)
                    tell(state, commands, supply, RESIDUAL, adding)
                elif does & TAKES and not does & BEGINS:
                    tell(state, commands, supply, RESIDUAL, found[RESIDUAL])
            else:
                turn = state[residual + RESIDUAL_TURN]
                state[residual + RESIDUAL_TURN] = 0 if turn == rows - 1 else turn + 1
                for k in range(rows):
                    words_given[k] = False
                    added[k] = False

        # The compute unit and the array's tile.
        command = found[COMPUTE]
        idle = under_way < 0
        started = False
        done[COMPUTE] = False
        if under_way >= 0:
            if finished_before:
                _event(spans, numbers, COMPUTE, 1, now)
                tell(state, commands, supply, COMPUTE, under_way)
                under_way = -1
        elif command >= 0:
            kind = commands[command, KIND]
            if (kind != RUN and kind != TILE) or not busy:
                done[COMPUTE] = True
                any_done = True
                if kind == TILE:
                    started = True
                    under_way = command
                    _event(spans, numbers, COMPUTE, 0, now)
                else:
                    tell(state, commands, supply, COMPUTE, command)
        finished = busy and not starting
        starves = False
        issued, held_up = False, 0
        writes_word = state[load + WRITES] != 0
        weights_given = -1
        done[WEIGHTS] = False
        command = found[WEIGHTS]
        if command >= 0:
            row = commands[command, ROW]
            if feeder_takes(state, feeders + row * FEEDER):
                done[WEIGHTS] = True
                any_done = True
                weights_given = row
                tell(state, commands, supply, WEIGHTS, command)

        # The rows and what feeds them.
        for k in range(rows):
            row = rows_at + k * row_size
            feeder = feeders + k * FEEDER
            row_is_done = row_done(state, row)
            finished = finished and row_is_done
            if busy:
                starves = starves or feeder_starves(state, feeder)
            stream = state[feeder + WAITING]
            starts = starting and commands[tile, ROWS] >> k & 1 != 0
            takes = False
            if (
                not row_is_done or row_awake[k] or starts or feeder_awake[k] or words_given[k]
            ):  # fmt: skip
                if row_is_done:
                    keep(state, row, row_size, kept)
                takes = step_row(
                    state, row, now, timing, masks, unions, groups, starts,
                    writes_word and k % 2 == 0, stream, state[feeder + WORD], outputs_taken[k],
                    words_given[k],
                )  # fmt: skip
                row_awake[k] = not row_is_done or differs(state, row, row_size, kept)
                issued = issued or state[row + ISSUED] != 0
                held_up = max(held_up, state[row + HELD_UP])
            given = weights_given == k
            comes = arriving == FIRST_FEEDER + k
            if (
                feeder_awake[k] or takes or stored[k] or added[k] or comes or given
                or chosen == FIRST_FEEDER + k
            ):  # fmt: skip
                keep(state, feeder, FEEDER, kept)
                if stream == CHANNELS:
                    takes = fork_takes(state, feeder)
                step_fork(state, commands, groups, feeder, given, command, stored[k], added[k])
                step_feeder(
                    state, feeder, bus_bytes, byte_bits, burst, takes, comes,
                    chosen == FIRST_FEEDER + k, given, command, commands, packets, sequences,
                    units,
                )  # fmt: skip
                feeder_awake[k] = differs(state, feeder, FEEDER, kept)

        # The load unit.
        loading = not load_idle(state, load)
        done[LOAD] = False
        if load_awake or supply_moved or arriving == 1 or chosen == 1 or pooled_taken:
            keep(state, load, LOAD_SIZE, kept)
            does, ends, moves = step_load(
                state, commands, load, bus_bytes, byte_bits, burst, found[LOAD], arriving == 1,
                chosen == 1, pooled_taken,
            )  # fmt: skip
            load_awake = differs(state, load, LOAD_SIZE, kept)
            if does & TAKES:
                done[LOAD] = True
                any_done = True
            if does & BEGINS:
                _event(spans, numbers, LOAD, 0, now)
            if ends >= 0:
                tell(state, commands, supply, LOAD, ends)
                if moves:
                    _event(spans, numbers, LOAD, 1, now)

        # Counters, and the reason of this cycle.
        if busy:
            counters[COUNT_COMPUTE] += 1
            if starves:
                counters[COUNT_WEIGHTS] += 1
        if waits_store:
            counters[COUNT_STORE] += 1
        if wants and idle:
            counters[COUNT_LOAD] += 1
        if busy:
            if issued:
                reason = COMPUTING
            elif held_up:
                reason = WAITS_STORE if held_up == BY_STORE else WAITS_RESIDUAL
            elif starves:
                reason = WAITS_WEIGHTS
            else:
                reason = COMPUTING
        elif loading:
            reason = LOADING
        elif load_stuck:
            reason = DEPENDS
        elif was_storing:
            reason = WAITS_STORE
        else:
            reason = COMMANDS
        if node < len(last_stores):
            reasons[node, reason] += 1
            if stores_end and ending == last_stores[node]:
                node += 1

        units_idle = idle and not was_storing and not loading and not was_adding
        ended = units_idle and all_given(state, supply)
        if supply_moved or any_granted or any_done or arriving == 0 or chosen == 0:
            keep(state, supply, SUPPLY, kept)
            step_supply(state, commands, supply, burst, arriving == 0, chosen == 0, granted, done)
            supply_awake = differs(state, supply, SUPPLY, kept)
        if reads_awake or chosen != NOBODY:
            keep(state, reads, READS, kept)
            step_reads(
                state, reads, now, asks, chosen, readers, settings[LATENCY], settings[BANDWIDTH],
                stopped,
            )  # fmt: skip
            reads_awake = reads_busy(state, reads) or differs(state, reads, READS, kept)
        if started:
            tile = under_way
            for k in range(rows):
                set_tile(
                    state, rows_at + k * row_size, commands[tile, PASSES], commands[tile, ADDS]
                )
        finished_before = finished
        busy = (busy or started) and not finished
        starting = started
        stopped = stopped or ended
    return False
