// Quizzes that answer in the page, with the words that it has from the checks.
"use strict";

// What a fold holds has no width before it opens: have the theme look again which code scrolls, and so
// needs to be reached by keyboard.
document.addEventListener("toggle", () => dispatchEvent(new Event("resize")), true);

for (const quiz of document.querySelectorAll(".quiz")) {
  const fold = quiz.querySelector("details.words, template");
  const words = (fold.content ?? fold).querySelector("dl.words");
  const said = Object.assign(document.createElement("p"), { className: "verdict", role: "status" });
  const say = (text) => {
    said.textContent = text;
    said.className = `verdict ${text.startsWith("✓") ? "right" : "wrong"}`;
  };
  const choices = quiz.querySelector(".choices");
  if (choices) offerChoices(choices, words, say);
  else quiz.querySelector(".title").after(numberField(quiz, words, say));
  (choices ?? quiz.querySelector("form")).after(said);
  quiz.classList.add("live-quiz");
  fold.remove();
}

function offerChoices(choices, words, say) {
  for (const choice of choices.children) {
    const letter = choice.dataset.choice;
    const button = element("button", { type: "button", textContent: `${letter}) ${choice.textContent}` });
    button.addEventListener("click", () => {
      for (const other of choices.querySelectorAll("button")) other.ariaPressed = other === button;
      say(words.querySelector(`[data-answer="${letter}"]`).textContent);
    });
    choice.replaceChildren(button);
  }
}

function numberField(quiz, words, say) {
  const form = element("form", {});
  const label = element("label", { textContent: "Your number " });
  const input = element("input", { type: "text", inputMode: "decimal", autocomplete: "off" });
  label.append(input);
  form.append(label, element("button", { type: "submit", textContent: "Answer" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say(judged(input.value.trim(), quiz.dataset, words));
  });
  return form;
}

function judged(text, { idea, tolerance }, words) {
  const number = Number(text.replace(",", "."));
  if (text === "" || Number.isNaN(number)) return `✗ not yet: the answer is a number, and was '${text}'`;
  for (const known of words.querySelectorAll("[data-answer]")) {
    const value = Number(known.dataset.answer);
    if (Math.abs(number - value) <= Number(tolerance) + 1e-9 * Math.abs(value)) return known.textContent;
  }
  return `✗ not yet: it is not ${general(number)}. Look again at ${idea}.`;
}

function general(number) { // as Python's "g" writes it: six digits
  const [digits, exponent] = number.toExponential(5).split("e").map(Number);
  if (exponent >= -4 && exponent < 6) return String(Number(number.toPrecision(6)));
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
