namespace Dbos.Fluent.Storage;

/// <summary>The tables themselves.</summary>
internal interface ISchemaStore
{
    /// <summary>
    /// Brings the database to the current state; several processes may do so at once, and a later state made by another SDK is accepted.
    /// </summary>
    /// <exception cref="StoreSchemaException">It is no database, or the role may not create tables.</exception>
    Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>The levels recorded in the database, without changing anything.</summary>
    Task<SchemaLevel> ReadLevelAsync(CancellationToken cancellationToken);
}

/// <summary>How far a database is migrated; null where there is no such record.</summary>
/// <param name="Dbos">Number in <c>dbos_migrations</c>.</param>
/// <param name="Fluent">Number in <c>fluent_migrations</c>, of the side tables.</param>
internal readonly record struct SchemaLevel(long? Dbos, long? Fluent)
{
    /// <summary>The level of the DBOS tables that this version is written for.</summary>
    public const long DbosCurrent = 123;

    /// <summary>The level of the side tables that this version is written for.</summary>
    public const long FluentCurrent = 5;
}
