//! The table of calls that connect: for each driver what is called, as a path from its module, which engine it speaks
//! to and what its parameters are without names. A call of anything else is none, whatever it is named.

use crate::evidence::Engine;

/// One driver.
pub struct Driver {
    /// The engine, by a word of it; empty: the arguments say it.
    engine: &'static str,
    /// What is called: the module, and what it is called there.
    pub calls: &'static [&'static str],
    /// The names of parameters that are given without one, in order; empty names are none that is read.
    pub parameters: &'static [&'static str],
    /// Parameters of calls that are given something else first.
    pub others: &'static [(&'static str, &'static [&'static str])],
}

const fn row(
    engine: &'static str,
    calls: &'static [&'static str],
    parameters: &'static [&'static str],
) -> Driver {
    Driver { engine, calls, parameters, others: &[] }
}

/// The table: parameters are those of each driver's own documentation.
pub static DRIVERS: [Driver; 41] = [
    // Python: PEP 249 names the parameters, each driver their order.
    row(
        "mysql",
        &["pymysql.connect", "pymysql.Connect", "pymysql.Connection", "pymysql.connections.Connection"],
        &["host", "user", "", "database", "port"],
    ),
    row(
        "mysql",
        &["MySQLdb.connect", "MySQLdb.Connect", "MySQLdb.Connection", "MySQLdb.connections.Connection"],
        &["host", "user", "", "database", "port"],
    ),
    row(
        "mysql",
        &[
            "mysql.connector.connect",
            "mysql.connector.Connect",
            "mysql.connector.MySQLConnection",
            "mysql.connector.connection.MySQLConnection",
            "mysql.connector.aio.connect",
            "mysql.connector.pooling.MySQLConnectionPool",
            "mysql.connector.pooling.PooledMySQLConnection",
        ],
        &[],
    ),
    row(
        "mysql",
        &[
            "aiomysql.connect",
            "aiomysql.create_pool",
            "asyncmy.connect",
            "asyncmy.create_pool",
            "cymysql.connect",
        ],
        &["host", "user", "", "database", "port"],
    ),
    row("mariadb", &["mariadb.connect", "mariadb.ConnectionPool"], &[]),
    row("mssql", &["pymssql.connect", "pymssql._mssql.connect"], &["server", "user", "", "database"]),
    row(
        "",
        &["pyodbc.connect", "pypyodbc.connect", "turbodbc.connect", "aioodbc.connect", "aioodbc.create_pool"],
        &["dsn"],
    ),
    Driver {
        engine: "oracle",
        calls: &[
            "cx_Oracle.connect",
            "cx_Oracle.Connection",
            "cx_Oracle.SessionPool",
            "oracledb.connect",
            "oracledb.connect_async",
            "oracledb.create_pool",
            "oracledb.create_pool_async",
        ],
        parameters: &["user", "", "dsn"],
        others: &[("1", &["dsn"])],
    },
    row(
        "redis",
        &[
            "redis.Redis",
            "redis.StrictRedis",
            "redis.asyncio.Redis",
            "redis.client.Redis",
            "redis.ConnectionPool",
            "redis.BlockingConnectionPool",
            "redis.cluster.RedisCluster",
            "redis.RedisCluster",
            "aioredis.Redis",
        ],
        &["host", "port"],
    ),
    row(
        "redis",
        &[
            "redis.from_url",
            "redis.asyncio.from_url",
            "redis.Redis.from_url",
            "redis.StrictRedis.from_url",
            "redis.asyncio.Redis.from_url",
            "redis.ConnectionPool.from_url",
            "aioredis.from_url",
            "aioredis.create_redis_pool",
        ],
        &["url"],
    ),
    row(
        "mongodb",
        &[
            "pymongo.MongoClient",
            "pymongo.mongo_client.MongoClient",
            "pymongo.AsyncMongoClient",
            "motor.motor_asyncio.AsyncIOMotorClient",
            "motor.MotorClient",
        ],
        &["host", "port"],
    ),
    row("mongodb", &["mongoengine.connect"], &["database"]),
    row("clickhouse", &["clickhouse_driver.Client"], &["host"]),
    row("clickhouse", &["clickhouse_driver.connect", "clickhouse_driver.dbapi.connect"], &["dsn"]),
    row("clickhouse", &["clickhouse_connect.get_client", "clickhouse_connect.get_async_client"], &[]),
    row("postgresql", &["psycopg2.connect", "psycopg.connect", "psycopg.AsyncConnection.connect"], &["dsn"]),
    row(
        "postgresql",
        &["asyncpg.connect", "asyncpg.create_pool", "aiopg.connect", "aiopg.create_pool"],
        &["dsn"],
    ),
    row("postgresql", &["pg8000.connect", "pg8000.dbapi.connect", "pg8000.native.Connection"], &["user"]),
    row("mysql", &["peewee.MySQLDatabase", "playhouse.pool.PooledMySQLDatabase"], &["database"]),
    row(
        "postgresql",
        &["peewee.PostgresqlDatabase", "playhouse.pool.PooledPostgresqlDatabase"],
        &["database"],
    ),
    // SQLAlchemy, "Engine Configuration".
    row(
        "",
        &[
            "sqlalchemy.create_engine",
            "sqlalchemy.engine.create_engine",
            "sqlalchemy.ext.asyncio.create_async_engine",
            "sqlmodel.create_engine",
            "databases.Database",
            "records.Database",
        ],
        &["url"],
    ),
    row(
        "",
        &[
            "sqlalchemy.URL.create",
            "sqlalchemy.engine.URL.create",
            "sqlalchemy.engine.url.URL",
            "sqlalchemy.engine.url.URL.create",
            "sqlalchemy.engine.URL",
        ],
        &["drivername", "username", "", "host", "port", "database"],
    ),
    // JavaScript and TypeScript.
    row(
        "mysql",
        &[
            "mysql.createConnection",
            "mysql.createPool",
            "mysql2.createConnection",
            "mysql2.createPool",
            "mysql2/promise.createConnection",
            "mysql2/promise.createPool",
            "promise-mysql.createConnection",
            "promise-mysql.createPool",
            "serverless-mysql",
        ],
        &["url"],
    ),
    row("mariadb", &["mariadb.createConnection", "mariadb.createPool"], &["url"]),
    row("mssql", &["mssql.connect", "mssql.ConnectionPool"], &["url"]),
    row("mssql", &["tedious.Connection"], &[]),
    row("oracle", &["oracledb.getConnection", "oracledb.createPool"], &[]),
    Driver {
        engine: "redis",
        calls: &["ioredis", "ioredis.Redis", "ioredis.default"],
        parameters: &["url"],
        others: &[("2", &["port", "host"])],
    },
    Driver {
        engine: "redis",
        calls: &["redis.createClient", "@redis/client.createClient"],
        parameters: &["url"],
        others: &[("2", &["port", "host"])],
    },
    row(
        "mongodb",
        &[
            "mongoose.connect",
            "mongoose.createConnection",
            "mongodb.MongoClient",
            "mongodb.MongoClient.connect",
        ],
        &["url"],
    ),
    row("", &["knex", "knex.knex", "knex.default"], &[]),
    Driver {
        engine: "",
        calls: &["sequelize", "sequelize.Sequelize", "sequelize-typescript.Sequelize"],
        parameters: &["url"],
        others: &[("3", &["database", "username", ""]), ("2", &["database", "username"])],
    },
    row(
        "",
        &["typeorm.DataSource", "typeorm.createConnection", "@nestjs/typeorm.TypeOrmModule.forRoot"],
        &[],
    ),
    row("mongodb", &["@nestjs/mongoose.MongooseModule.forRoot"], &["url"]),
    row("postgresql", &["pg.Pool", "pg.Client", "pg.default.Pool", "pg.default.Client"], &["url"]),
    row("postgresql", &["pg-promise", "postgres"], &["url"]),
    row("clickhouse", &["@clickhouse/client.createClient"], &["url"]),
    // Java: JDBC, Jedis.
    row("", &["java.sql.DriverManager.getConnection", "DriverManager.getConnection"], &["url", "user", ""]),
    row("redis", &["redis.clients.jedis.Jedis", "redis.clients.jedis.JedisPooled"], &["host", "port"]),
    row("mongodb", &["com.mongodb.client.MongoClients.create"], &["url"]),
    row("mongodb", &["com.mongodb.MongoClient"], &["host", "port"]),
];

/// The driver whose call this is, by its path from the module.
pub fn driver_of(path: &str) -> Option<&'static Driver> {
    DRIVERS.iter().find(|driver| driver.calls.contains(&path))
}

/// The engine that a module of a table's row speaks to; `None`: there is no such row, or it speaks to several.
pub fn engine_of_module(module: &str) -> Option<&'static Engine> {
    let of_module = |call: &&str| {
        let rest = call.strip_prefix(module);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
    };
    DRIVERS.iter().find(|driver| driver.calls.iter().any(of_module)).and_then(Driver::engine)
}

impl Driver {
    /// The engine it speaks to.
    pub fn engine(&self) -> Option<&'static Engine> {
        Engine::of_word(self.engine)
    }

    /// What the parameters of a call are that is given so many texts without a name.
    pub fn parameters_of(&self, plain: usize) -> &'static [&'static str] {
        let count = plain.to_string();
        let other = self.others.iter().find(|(number, _)| *number == count);
        other.map_or(self.parameters, |(_, parameters)| parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::{DRIVERS, driver_of, engine_of_module};
    use crate::evidence::Engine;
    use std::collections::BTreeSet;

    #[test]
    fn each_call_has_one_row_and_each_row_an_engine_or_arguments_that_say_it() {
        let mut seen = BTreeSet::new();
        for driver in &DRIVERS {
            assert_eq!(
                driver.engine.is_empty(),
                Engine::of_word(driver.engine).is_none(),
                "{}",
                driver.engine
            );
            for call in driver.calls {
                assert!(seen.insert(call), "{call} has two rows");
            }
        }
    }

    #[test]
    fn a_call_is_one_of_a_row_by_its_whole_path() {
        let engine = |path: &str| driver_of(path).map(|it| it.engine().map_or("", |it| it.name));
        assert_eq!(engine("pymysql.connect"), Some("mysql"));
        assert_eq!(engine("sqlalchemy.create_engine"), Some(""));
        assert_eq!(engine("mypymysql.connect"), None);
        assert_eq!(engine("connect"), None);
        assert_eq!(engine_of_module("mysql.connector").map(|it| it.name), Some("mysql"));
        assert_eq!(engine_of_module("mysqlish").map(|it| it.name), None);
    }
}
