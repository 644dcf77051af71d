"""A person's conversation as HTML: what was said, where both sides stand, and what was best."""

from __future__ import annotations

from html import escape

from gtalign_env.core.moves import Ending
from gtalign_env.draws import Seat
from gtalign_env.money import format_money
from gtalign_env.words import plural
from gtalign_training.human.review import Review
from gtalign_training.human.sitting import task_lines, type_lines, words_of
from gtalign_training.ui.seat import Standing, Table

ENDINGS = {
    Ending.ACCEPTED: "The user accepted the answer.",
    Ending.LEFT: "The user left.",
    Ending.BROKE: "The next message would have cost more than the budget.",
    Ending.TRUNCATED: "There was no exchange left.",
    Ending.FAULT: "The other seat failed: there is no result, and nobody gains or loses by it.",
}

EMPTY = (
    '<section class="gt-brief"><p>Choose a seat and press <b>Start</b>. You play the game above, '
    "with the sliders where they stand. Each message costs effort, tokens and money; afterwards you "
    "see both welfares and what the best play would have been.</p></section>"
)


def draw_brief(table: Table | None) -> str:
    """Return what the person knows from the start.

    Args:
        table: The conversation; None before the first one.
    """
    if table is None:
        return EMPTY
    sitting = table.sitting
    spec = sitting.conversation.spec
    lines = [
        f"Price: {spec.regime.description}",
        f"At most {plural(spec.max_exchanges, 'exchange')}.",
    ]
    if sitting.seat is Seat.USER:
        lines += [line[0].upper() + line[1:] for line in type_lines(sitting.conversation.who)]
    else:
        lines += [line[0].upper() + line[1:] for line in task_lines(spec)]
    lines += sitting.brief() if not sitting.is_over else []
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    who = f"You are the {sitting.seat.name.lower()}; across sits {table.opponent}."
    return f'<section class="gt-brief"><strong>{escape(who)}</strong><ul>{items}</ul></section>'


def draw_talk(table: Table | None) -> str:
    """Return the moves so far as a conversation, and how it ended.

    Args:
        table: The conversation.
    """
    if table is None:
        return ""
    said = "".join(_message(table, one) for one in table.past)
    if not said:
        said = '<p class="gt-quiet">Nobody has said anything yet: you open.</p>'
    ending = table.sitting.conversation.state.ending
    end = ""
    if ending is not None:
        fault = table.sitting.fault
        why = f" {fault.kind}: {fault.message}" if fault is not None else ""
        kind = "gt-end gt-fault" if ending is Ending.FAULT else "gt-end"
        end = f'<p class="{kind}" role="status">{escape(ENDINGS[ending] + why)}</p>'
    if table.problem:
        end += f'<p class="gt-problem" role="alert">{escape(table.problem)}</p>'
    return f'<section class="gt-talk" aria-live="polite">{said}{end}</section>'


def _message(table: Table, one: Standing) -> str:
    mine = one.seat is table.sitting.seat
    name = one.seat.name.lower()
    text = escape(words_of(one.move) if one.text is None else one.text)
    right = ""
    # whether an answer is right only the user sees, until it is over
    if one.right is not None and not (table.sitting.seat is Seat.ASSISTANT and table.hides_user):
        right = f' <span class="gt-{"right" if one.right else "wrong"}">{"right" if one.right else "not right"}</span>'
    side = "gt-mine" if mine else "gt-theirs"
    who = f"{name}, you" if mine else name
    return (
        f'<div class="gt-said gt-of-{name} {side}"><small>{escape(who)}</small>'
        f"<p><code>{escape(one.move.label)}</code>{right} <span>{text}</span></p></div>"
    )


def draw_standing(table: Table | None) -> str:
    """Return both welfares, the bill and the budget, as far as the person may see them.

    Args:
        table: The conversation.
    """
    if table is None:
        return ""
    sitting = table.sitting
    state = sitting.conversation.state
    fault = state.ending is Ending.FAULT
    u, l = sitting.conversation.returns  # noqa: E741  # U and L, as the model writes them
    hidden = "hidden until the end"
    tiles = [
        ("user U", "gt-u", "none" if fault else hidden if table.hides_user else f"{u:+.2f}"),
        ("assistant L", "gt-l", "none" if fault else f"{l:+.2f}"),
        ("billed", "", format_money(state.charged)),
        ("budget left", "", hidden),
    ]
    meter = ""
    if not table.hides_user:
        budget = sitting.conversation.who.budget
        share = state.charged / budget if budget else 1.0
        tiles[3] = ("budget left", "", format_money(budget - state.charged))
        meter = (
            f'<div class="gt-meter" role="meter" aria-label="budget used" aria-valuemin="0" '
            f'aria-valuemax="1" aria-valuenow="{share:.3f}"><i style="width:{min(share, 1):.1%}"></i></div>'
        )
    shown = "".join(
        f'<div><dt>{escape(name)}</dt><dd class="{"gt-quiet" if value == hidden else kind}">'
        f"{escape(value)}</dd></div>"
        for name, kind, value in tiles
    )
    return f'<dl class="gt-standing">{shown}</dl>{meter}{_course(table)}'


def _course(table: Table) -> str:
    """Return how both welfares went, move by move, as a small picture."""
    if len(table.past) < 2:
        return ""
    lines = [("gt-l", [0.0, *(one.assistant for one in table.past)])]
    if not table.hides_user:
        lines.append(("gt-u", [0.0, *(one.user for one in table.past)]))
    low = min(min(values) for _, values in lines)
    high = max(max(values) for _, values in lines)
    spread = high - low or 1.0
    wide, tall = 320.0, 70.0
    step = wide / len(table.past)

    def up(value: float) -> float:
        return 6 + (high - value) / spread * (tall - 12)

    drawn = ""
    for kind, values in lines:
        path = f"M0 {up(values[0]):.1f}" + "".join(
            f"L{(k + 1) * step:.1f} {up(v):.1f}" for k, v in enumerate(values[1:])
        )
        drawn += f'<path class="{kind}" d="{path}"/>'
    about = "Welfares after each move, points: " + "; ".join(
        f"{'assistant' if kind == 'gt-l' else 'user'} {values[-1]:.2f}" for kind, values in lines
    )
    names = {"gt-u": "user", "gt-l": "assistant"}
    key = ", ".join(f'<span class="{kind}">{names[kind]}</span>' for kind, _ in lines)
    return (
        f'<p class="gt-quiet">After each move, points: {key}</p>'
        f'<svg class="gt-course" viewBox="0 0 {wide:g} {tall:g}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(about)}"><path class="gt-zero" d="M0 {up(0.0):.1f}H{wide:g}"/>'
        f"{drawn}</svg>"
    )


def draw_end(table: Table | None, review: Review | None) -> str:
    """Return what came of a conversation that has ended: result, who the user was, the optimum.

    Args:
        table: The conversation.
        review: The person's moves beside the optimum, if there is something to compare.
    """
    if table is None or not table.sitting.is_over:
        return ""
    sitting = table.sitting
    parts = [f"<p>{escape(line)}</p>" for line in sitting.result()]
    parts.append(f'<p class="gt-quiet">Seed {table.seed}: enter it to be dealt the same again.</p>')
    if sitting.seat is Seat.ASSISTANT:
        conversation = sitting.conversation
        persona = conversation.spec.population.personas[conversation.persona][1].name
        wants = "".join(f"<li>{escape(line)}</li>" for line in type_lines(conversation.who))
        parts.append(f"<p>The user was <b>{escape(persona)}</b>:</p><ul>{wants}</ul>")
    if review is not None:
        parts.append(_review(table, review))
    elif sitting.fault is None and sitting.result():
        why = "nobody can say what a model would have done"
        parts.append(f"<p>There is no optimum to compare with: {escape(table.problem or why)}.</p>")
    return f'<section class="gt-after"><h3>How it went</h3>{"".join(parts)}</section>'


def _review(table: Table, review: Review) -> str:
    rows = "".join(
        f"<tr><td>{one.turn + 1}</td><td>{escape(one.move.label)}</td>"
        f"<td>{escape(one.best.label)}</td><td>{f'{one.cost:.3f}' if one.cost else '-'}</td></tr>"
        for one in review.moves
    )
    about = "" if review.exact else " about"
    first = review.departure
    if first is None:
        told = "You played as well as the optimum throughout."
    else:
        told = (
            f"You departed from it on turn {first.turn + 1} ({first.move.label} in place of "
            f"{first.best.label}); all in all that cost {review.cost:.3f} of expected W."
        )
    if review.unknown:
        told += (
            f" {plural(review.unknown, 'move was', 'moves were')} made where {table.opponent} never "
            "lets it come to that."
        )
    return (
        f"<p>The optimum against {escape(table.opponent)} expects{about} W {review.value:.3f} at the "
        f'start. {escape(told)}</p><table class="gt-review"><thead><tr><th>turn</th><th>you</th>'
        f"<th>the optimum</th><th>cost in W</th></tr></thead><tbody>{rows}</tbody></table>"
    )
