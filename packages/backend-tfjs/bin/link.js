#!/usr/bin/env node
import '../dist/link/main.js'
