// Pointing at an operator, wherever it is shown, marks it everywhere.
const marked = (step, on) => {
  for (const item of document.querySelectorAll(`[data-step="${step}"]`)) {
    item.classList.toggle("hot", on);
  }
};
for (const item of document.querySelectorAll("[data-step]")) {
  item.addEventListener("mouseenter", () => marked(item.dataset.step, true));
  item.addEventListener("mouseleave", () => marked(item.dataset.step, false));
}
