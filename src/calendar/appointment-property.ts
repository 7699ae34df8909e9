/** The private property by which an event of ours is known again when it comes back. */
export const appointmentProperty = 'holdlineAppointment';
