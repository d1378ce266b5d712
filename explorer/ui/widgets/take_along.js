const SAID_MS = 2500

// Without a secure address, as http://192.168.0.2, a browser has no clipboard.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const field = Object.assign(document.createElement("textarea"), { value: text })
  document.body.append(field)
  field.select()
  const done = document.execCommand("copy")
  field.remove()
  if (!done) throw new Error("refused")
}

async function savePicture(chart, filename) {
  const drawn = document.querySelector(`.st-key-${CSS.escape(chart)} .explorer-chart`)
  if (!drawn?._fullLayout) throw new Error("not drawn")
  const href = await globalThis.Plotly.toImage(drawn, {
    format: "png", scale: 2, width: drawn._fullLayout.width, height: drawn._fullLayout.height,
  })
  // Outside of the page: `Plotly.downloadImage` clicks on a link in it, and a click beside a menu closes the menu.
  Object.assign(document.createElement("a"), { href, download: `${filename}.png` }).click()
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".explorer-take")
  if (!root) return
  const said = root.querySelector("output")
  const say = (text) => {
    said.textContent = text
    clearTimeout(root.explorerSaid)
    root.explorerSaid = setTimeout(() => { said.textContent = "" }, SAID_MS)
  }
  for (const button of root.querySelectorAll("[data-copy]")) {
    const text = data[button.dataset.copy]
    button.hidden = !text
    button.onclick = () => copy(text).then(
      () => say("Copied"), () => say("The browser does not allow to copy. Select the text below instead."))
  }
  const picture = root.querySelector("[data-save]")
  picture.hidden = !data.chart
  picture.onclick = () => savePicture(data.chart, data.filename).catch(
    () => say("The picture is not drawn yet. Try again when it is."))
}
