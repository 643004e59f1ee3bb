"""Quizzes answer with the words of the checks, hints open one after the other."""

from built import every_lesson

from course_tools.checks import check
from course_tools.exercises import of_lesson
from course_tools.exercises.kinds import Quiz


def box(page, exercise):
    return page.locator(f"#exercise-{exercise.number.replace('.', '-')}")


def numbers(quiz):
    """Return what is typed: all known numbers and their neighbours, others, and no numbers."""
    known = [float(value) for value in (quiz.answer, *quiz.mistakes)]
    step = quiz.tolerance or 1e-4
    near = [value + part * step for value in known for part in (0, 0.99, -0.99, 1.5, -1.5)]
    return [*near, 0, 1, -3.5, 0.5, 1234567, 0.0000123, 99.999999, "", "abc"]


@every_lesson
def test_quizzes_answer_in_the_words_of_the_checks(name, opened):
    page = opened(name)
    for quiz in of_lesson(name[:2]):
        if isinstance(quiz, Quiz):
            task = box(page, quiz)
            assert task.get_by_role("status").text_content() == ""
            (press_all_choices if quiz.choices else type_numbers)(task, quiz)


def press_all_choices(task, quiz):
    said, buttons = task.get_by_role("status"), task.locator(".choices button")
    assert buttons.all_text_contents() == [
        f"{letter}) {text}" for letter, text in quiz.choices.items()]
    for letter, button in zip(quiz.choices, buttons.all(), strict=True):
        button.press("Space")
        assert said.text_content() == repr(check(quiz.number, letter))
        assert task.locator("[aria-pressed=true]").all_text_contents() == [button.text_content()]


def type_numbers(task, quiz):
    said, field = task.get_by_role("status"), task.get_by_label("Your number")
    for number in numbers(quiz):
        field.fill(str(number))
        field.press("Enter")
        assert said.text_content() == repr(check(quiz.number, number))


@every_lesson
def test_hints_open_one_after_the_other_and_the_solution_is_asked_for_twice(name, opened):
    page = opened(name)
    for exercise in of_lesson(name[:2]):
        task = box(page, exercise)
        for number, hint in enumerate(exercise.hints, start=1):
            assert not task.get_by_text(hint, exact=True).is_visible()
            fold = f"Hint {number} of {len(exercise.hints)}"
            task.locator("summary", has_text=fold).press("Enter")
            assert task.get_by_text(hint, exact=True).is_visible()
        why = task.get_by_text(exercise.why)
        for fold in ("Our solution", "Show it all the same"):
            assert not why.is_visible()
            task.get_by_text(fold).press("Enter")
        assert why.is_visible()
