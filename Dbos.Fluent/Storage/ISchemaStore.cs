namespace Dbos.Fluent.Storage;

/// <summary>Manages the tables themselves.</summary>
internal interface ISchemaStore
{
    /// <summary>
    /// Brings the database to the current level; several processes may do so at once, and a later level by another SDK is accepted.
    /// </summary>
    /// <exception cref="StoreSchemaException">The target is not a database, or the role may not create tables.</exception>
    Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>Reads the levels recorded in the database, without changing anything.</summary>
    Task<SchemaLevel> ReadLevelAsync(CancellationToken cancellationToken);
}

/// <summary>How far a database is migrated; null where it has no such record.</summary>
/// <param name="Dbos">Number in <c>dbos_migrations</c>.</param>
/// <param name="Fluent">Number in <c>fluent_migrations</c>, of the side tables.</param>
internal readonly record struct SchemaLevel(long? Dbos, long? Fluent)
{
    /// <summary>The level of the DBOS tables that this version is written for.</summary>
    public const long DbosCurrent = 123;

    /// <summary>The level of the side tables that this version is written for.</summary>
    public const long FluentCurrent = 7;
}
