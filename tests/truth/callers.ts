/** What callers say when they want something done, in each language; `{day}` and the like are filled in. */
export interface CallerLines {
  look: string[];
  pick: string[];
  /** `{nth}` is one of the ordinals, the first offer first. */
  pickByPlace: string[];
  nth: string[];
  agree: string[];
  refuse: string[];
  bareYes: string[];
  /** Nobody could say which time is meant. */
  vague: string[];
  correct: string[];
  cancel: string[];
  cancelYes: string[];
  cancelNo: string[];
  goodbye: string[];
}

export const callerLines: Record<string, CallerLines> = {
  en: {
    look: [
      'Do you have anything on {day}?',
      'I was thinking {day}, if you have something.',
      'Um, {day} would work for me.',
      'Could we look at {day} instead?',
    ],
    pick: ['I’ll take {clock} with {practitioner}.', '{clock} with {practitioner}, please.'],
    pickByPlace: ['The {nth} one, please.', 'Let’s go with the {nth} one.'],
    nth: ['first', 'second', 'third', 'fourth'],
    agree: [
      'Yes, please book it. My name is {name}.',
      'Yeah, that’s right. It’s {name}.',
      'Yes, go ahead, {name}.',
    ],
    refuse: ['No, wait, I don’t want that one.', 'No. Not that one.', 'No, don’t book it yet.'],
    bareYes: ['Yes.', 'Yes, please.', 'Sure.'],
    vague: ['Uh, that one, you know.', 'Yeah, the one you just said, that one.'],
    correct: ['Sorry, the name is {name}.', 'You got my name wrong, it’s {name}.'],
    cancel: ['I need to cancel my appointment. It’s under {name}.'],
    cancelYes: ['Yes, cancel it, please.'],
    cancelNo: ['No, keep it, I changed my mind.'],
    goodbye: ['That’s all, thank you, bye.'],
  },
  es: {
    look: [
      '¿Tiene algo {day}?',
      'Me vendría bien {day}.',
      'Pues… {day}, si hay lugar.',
      '¿Y si vemos {day}?',
    ],
    pick: ['Me quedo con la de {clock} con {practitioner}.', 'A {clock} con {practitioner}, por favor.'],
    pickByPlace: ['La {nth}, por favor.', 'Mejor la {nth}.'],
    nth: ['primera', 'segunda', 'tercera', 'cuarta'],
    agree: ['Sí, resérvela. Me llamo {name}.', 'Sí, está bien, soy {name}.'],
    refuse: ['No, espere, esa no.', 'No, esa no la quiero.', 'No, todavía no la reserve.'],
    bareYes: ['Sí.', 'Sí, por favor.', 'Bueno.'],
    vague: ['Pues esa, ya sabe.', 'La que me dijo, ésa.'],
    correct: ['Perdón, el nombre es {name}.', 'Está mal el nombre, es {name}.'],
    cancel: ['Quiero cancelar mi cita, está a nombre de {name}.'],
    cancelYes: ['Sí, cancélela, por favor.'],
    cancelNo: ['No, mejor déjela, cambié de opinión.'],
    goodbye: ['Eso es todo, gracias, adiós.'],
  },
  de: {
    look: [
      'Haben Sie am {day} etwas frei?',
      'Am {day} würde es mir passen.',
      'Ähm, am {day} vielleicht?',
      'Ginge es auch am {day}?',
    ],
    pick: ['Ich nehme {clock} bei {practitioner}.', 'Um {clock} bei {practitioner}, bitte.'],
    pickByPlace: ['Den {nth}, bitte.', 'Dann lieber den {nth}.'],
    nth: ['ersten', 'zweiten', 'dritten', 'vierten'],
    agree: ['Ja, bitte buchen. Mein Name ist {name}.', 'Ja, genau, {name} ist mein Name.'],
    refuse: ['Nein, Moment, den nicht.', 'Nein, den möchte ich nicht.', 'Nein, noch nicht buchen.'],
    bareYes: ['Ja.', 'Ja, bitte.', 'Gern.'],
    vague: ['Na den da, Sie wissen schon.', 'Den von eben halt.'],
    correct: ['Entschuldigung, der Name ist {name}.', 'Der Name stimmt nicht, ich heiße {name}.'],
    cancel: ['Ich möchte meinen Termin absagen, auf den Namen {name}.'],
    cancelYes: ['Ja, bitte absagen.'],
    cancelNo: ['Nein, lassen Sie ihn stehen, ich hab es mir anders überlegt.'],
    goodbye: ['Das war alles, danke, tschüss.'],
  },
};

/** People who call; each says the same name in one call. */
export const callerNames = [
  'Ann Miller',
  'José Ortega',
  'Karin Vogel',
  'Sam Rivera',
  'Lucía Prado',
  'Uwe Brandt',
  'Nina Castle',
];
