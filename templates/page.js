"use strict";
(() => {
  const form = document.getElementById("filters");
  const account = document.getElementById("account");
  const shown = document.getElementById("shown");
  const changes = Array.from(document.querySelectorAll("details.change"));
  const sections = Array.from(document.querySelectorAll("section.changes"));
  const words = (text) => text.split(" ").filter((word) => word !== "");

  const filter = () => {
    const risks = new Set(Array.from(form.querySelectorAll("input:checked"), (box) => box.value));
    let count = 0;
    for (const change of changes) {
      const risky = words(change.dataset.risks).some((risk) => risks.has(risk));
      const here = account.value === "" || words(change.dataset.accounts).includes(account.value);
      change.hidden = !(risky && here);
      count += change.hidden ? 0 : 1;
    }
    for (const section of sections) {
      section.hidden = section.querySelector("details.change:not([hidden])") === null;
    }
    shown.textContent = `${count} of ${changes.length} shown`;
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".tree").addEventListener("click", (event) => {
    const button = event.target.closest("button[data-account]");
    if (button !== null) {
      account.value = button.dataset.account;
      filter();
    }
  });
  form.hidden = false;
  filter();
})();
