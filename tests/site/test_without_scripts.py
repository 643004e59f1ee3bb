"""With scripts off every lesson is complete."""

import re

import nbformat
from built import every_lesson

from course_tools.exercises import of_lesson
from course_tools.exercises.kinds import Quiz, written
from course_tools.lessons.notebooks import find_lessons


def plain(text):
    return re.sub(r"\s+", " ", text).strip()


def asks(cell):
    return cell.cell_type == "code" and re.search(r'\b(check|quiz)\("', cell.source)


@every_lesson
def test_a_lesson_is_complete(name, opened):
    page = opened(name, java_script_enabled=False)
    text = plain(page.locator("article").text_content())
    for cell in nbformat.read(find_lessons(name[:2])[0], as_version=4).cells:
        if cell.cell_type == "code" and not asks(cell):
            assert plain(cell.source) in text
            for output in cell.outputs:
                assert plain(output.get("text", "")) in text
        elif cell.cell_type == "markdown":
            for heading in re.findall(r"^#+ (.*)", cell.source, re.MULTILINE):
                assert plain(re.sub(r"[`*]", "", heading)) in text
    for place in page.locator(".live").all():
        assert place.locator("img").get_attribute("src") == place.get_attribute("data-static")
    for exercise in of_lesson(name[:2]):
        task = page.locator(f"#exercise-{exercise.number.replace('.', '-')}")
        (reads_as_quiz if isinstance(exercise, Quiz) else reads_as_exercise)(task, exercise)


def reads_as_quiz(task, quiz):
    choices = task.locator("ol.choices li")
    assert choices.all_text_contents() == list(quiz.choices.values())
    assert all(choice.is_visible() for choice in choices.all())
    task.get_by_text("What the check says").click()
    assert task.get_by_text(f"✓ right: {quiz.right}").is_visible()


def reads_as_exercise(task, exercise):
    text = plain(task.text_content())
    begins = f"Exercise {exercise.number} · {exercise.title} (difficulty {exercise.difficulty} of 3"
    assert text.startswith(begins)
    notebook = nbformat.read(find_lessons(exercise.number.split(".")[0].zfill(2))[0], as_version=4)
    stub = next(cell.source for cell in notebook.cells if exercise.name in cell.source
                and cell.cell_type == "code" and not asks(cell))
    for code in (stub, "\n".join(written(exercise)),
                 f'check("{exercise.number}", {exercise.name})'):
        assert plain(code) in text
