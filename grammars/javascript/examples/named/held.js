const { app: window } = require('electron');

const app = new Map();
app.get('/never', 1);
app.get('/never', express);

class Held {
    constructor() {
        this.app = new Map();
    }

    one() {
        return this.app.get('/never', 1);
    }
}
