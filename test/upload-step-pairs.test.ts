// Two things happen between two requests of an upload: no acked byte is lost and the sides end equal (semantics A4, A5).
import t from 'tap';
import { pairs } from './uploads/events.ts';
import { checkTable } from './uploads/table.ts';

checkTable(t, pairs, 8);
