const audit = 'public.audit';
module.exports = { audit };
