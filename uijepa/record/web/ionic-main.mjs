/* Ionic's elements, bundled into node_modules/ionic-bundle.js by `make recorder`: one file instead of a hundred to
   load for each clip. They are defined once it is known which look they have. */
import { initialize } from "./node_modules/@ionic/core/components/index.js";
import { defineCustomElement as actionSheet } from "./node_modules/@ionic/core/components/ion-action-sheet.js";
import { defineCustomElement as alert } from "./node_modules/@ionic/core/components/ion-alert.js";
import { defineCustomElement as button } from "./node_modules/@ionic/core/components/ion-button.js";
import { defineCustomElement as buttons } from "./node_modules/@ionic/core/components/ion-buttons.js";
import { defineCustomElement as chip } from "./node_modules/@ionic/core/components/ion-chip.js";
import { defineCustomElement as fab } from "./node_modules/@ionic/core/components/ion-fab.js";
import { defineCustomElement as fabButton } from "./node_modules/@ionic/core/components/ion-fab-button.js";
import { defineCustomElement as footer } from "./node_modules/@ionic/core/components/ion-footer.js";
import { defineCustomElement as header } from "./node_modules/@ionic/core/components/ion-header.js";
import { defineCustomElement as item } from "./node_modules/@ionic/core/components/ion-item.js";
import { defineCustomElement as itemOption } from "./node_modules/@ionic/core/components/ion-item-option.js";
import { defineCustomElement as itemOptions } from "./node_modules/@ionic/core/components/ion-item-options.js";
import { defineCustomElement as itemSliding } from "./node_modules/@ionic/core/components/ion-item-sliding.js";
import { defineCustomElement as label } from "./node_modules/@ionic/core/components/ion-label.js";
import { defineCustomElement as list } from "./node_modules/@ionic/core/components/ion-list.js";
import { defineCustomElement as listHeader } from "./node_modules/@ionic/core/components/ion-list-header.js";
import { defineCustomElement as segment } from "./node_modules/@ionic/core/components/ion-segment.js";
import { defineCustomElement as segmentButton } from "./node_modules/@ionic/core/components/ion-segment-button.js";
import { defineCustomElement as tabBar } from "./node_modules/@ionic/core/components/ion-tab-bar.js";
import { defineCustomElement as tabButton } from "./node_modules/@ionic/core/components/ion-tab-button.js";
import { defineCustomElement as title } from "./node_modules/@ionic/core/components/ion-title.js";
import { defineCustomElement as toast } from "./node_modules/@ionic/core/components/ion-toast.js";
import { defineCustomElement as toggle } from "./node_modules/@ionic/core/components/ion-toggle.js";
import { defineCustomElement as toolbar } from "./node_modules/@ionic/core/components/ion-toolbar.js";

const elements = [actionSheet, alert, button, buttons, chip, fab, fabButton, footer, header, item, itemOption, itemOptions, itemSliding, label, list, listHeader, segment, segmentButton, tabBar, tabButton, title, toast, toggle, toolbar];

window.defineIonic = (mode) => {
  document.documentElement.setAttribute("mode", mode);
  initialize({ mode });
  for (const define of elements) define();
};
