export { useVulkan, vulkan, type Vulkan } from './vulkan.ts'
export { chromium, type Chromium } from './chromium.ts'
