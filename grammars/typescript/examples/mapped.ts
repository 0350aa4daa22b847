import { Entity, Column, JoinTable, ManyToMany } from 'typeorm';

@Entity('orders') // a name goes before the convention
export class PurchaseOrder { // expect: read table:orders
    @ManyToMany(() => Tag)
    @JoinTable({ name: 'order_tags' }) // expect: read table:order_tags
    tags: Tag[];
}

@Entity({ name: 'invoices', schema: 'finance' })
export class Invoice { // expect: read table:finance.invoices
}

@Entity()
export class OrderItem { // expect: read table:order_item
}

// Which name stands in that schema, this does not say.
@Entity({ schema: 'archive' })
export class OldOrder {
}

Payment.init({}, { sequelize, tableName: 'payments' }); // expect: read table:payments
