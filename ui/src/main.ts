// Starts what all views share, then shows the frame.
import { mount } from 'svelte'
import App from './App.svelte'
import { clock } from './state/clock.svelte'
import { connection } from './state/connection.svelte'
import { keys } from './state/keys.svelte'
import { range } from './state/range.svelte'
import { router } from './state/router.svelte'
import { settings } from './state/settings.svelte'
import './styles/fonts.css'
import './styles/tokens.css'
import './styles/base.css'

settings.start()
router.start()
clock.start()
range.start()
connection.start()
keys.start()
mount(App, { target: document.getElementById('app') ?? document.body })
