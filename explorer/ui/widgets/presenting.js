const STEPS = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 }
const FIELDS = "input, textarea, select, [contenteditable=true], [role=slider], [role=combobox], [role=radiogroup]"
const LATE_MS = 3000

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".explorer-present")
  if (!root) return
  clearTimeout(root.explorerLate)
  let at = data.at // the beat asked for last: two quick presses go on by two
  const go = (where) => setTriggerValue("go", where)
  const step = (by) => {
    const next = Math.min(data.beats.length - 1, Math.max(0, at + by))
    if (next === at) return
    go((at = next))
    clearTimeout(root.explorerLate)
    root.explorerLate = setTimeout(() => { at = data.at }, LATE_MS) // not answered: the next press asks again
  }

  document.documentElement.classList.toggle("explorer-presents", data.presenting)
  root.querySelector("span").textContent = `${at + 1} / ${data.beats.length}`
  root.querySelector(".explorer-present-begin").onclick = () => go(at)
  root.querySelector(".explorer-present-end").onclick = () => go("end")
  for (const button of root.querySelectorAll("[data-by]")) {
    const by = Number(button.dataset.by)
    button.disabled = !(at + by in data.beats)
    button.onclick = () => step(by)
  }

  removeEventListener("keydown", root.explorerKeys)
  root.explorerKeys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (event.target.closest?.(FIELDS)) return
    if (event.key === " " && event.target.closest?.("button, a, summary")) return // space presses it
    if (!data.presenting) {
      if (event.key.toLowerCase() === "p") go(at)
      return
    }
    if (event.key === "Escape") go("end")
    else if (event.key in STEPS) step(STEPS[event.key])
    else return
    event.preventDefault()
  }
  addEventListener("keydown", root.explorerKeys)
  return () => {
    removeEventListener("keydown", root.explorerKeys)
    document.documentElement.classList.remove("explorer-presents")
  }
}
